"""What the tests of deploy/ rest on: `python3 -m unittest discover -s deploy/rig -t deploy`."""

import contextlib
import io
import pathlib
import signal
import socket
import subprocess
import sys
import time
import unittest

import rig
from rig import ports

DEPLOY = pathlib.Path(__file__).resolve().parent.parent
# For an answer that is sure to come, in seconds.
PATIENCE = 60
UNTIL_TERM = "trap '{on_term}' TERM; touch {name}.up; while :; do sleep 0.05; done"
INTERRUPTED = """
import rig, signal, sys
rig.turn_signals_into_exits()
with rig.Fleet("vacancy-rig-") as fleet:
    program = fleet.start("sleep", ["sleep", "60"])
    print(program.process.pid, fleet.folder, flush=True)
    signal.raise_signal(int(sys.argv[1]))
"""


class PortTest(unittest.TestCase):
    """Ports that are given once."""

    def test_no_port_is_given_twice_or_to_an_outgoing_connection(self):
        given = [rig.free_port() for _ in range(500)]
        self.assertEqual(len(set(given)), len(given))
        lowest_ephemeral = int(ports.EPHEMERAL.read_text().split()[0])
        if lowest_ephemeral > ports.LOWEST:
            self.assertLess(max(given), lowest_ephemeral)

    def test_nothing_answers_there(self):
        with socket.socket() as held:  # Bound and not listening: no other program can answer.
            held.bind(("127.0.0.1", rig.free_port()))
            address = "{}:{}".format(*held.getsockname())
            self.assertEqual(rig.get(address, "/", seconds=PATIENCE), (0, b""))

    def test_a_port_is_given_to_one_process(self):
        port = rig.free_port()
        self.assertFalse(ports._claim(port))
        ask = f"from rig import ports; print(ports._claim({port}), ports._claim({rig.free_port()}))"
        done = subprocess.run([sys.executable, "-c", ask], cwd=DEPLOY, capture_output=True, text=True)
        self.assertEqual(done.stdout, "False False\n", done.stderr)

    def test_head_and_body_are_one_piece(self):
        sent = []

        class Recorded(rig.Connection):
            def connect(self):
                self.sock = self

            def sendall(self, data):
                sent.append(bytes(data))

        for number in (1, 2):
            Recorded("127.0.0.1").request("POST", "/", f"body {number}", {"A": "b"})
        self.assertEqual([piece.split(b"\r\n\r\n")[1] for piece in sent], [b"body 1", b"body 2"])

    def test_a_key_is_borne_or_none(self):
        self.assertEqual(rig.bearing("vac_x"), {"Authorization": "Bearer vac_x"})
        self.assertEqual(rig.bearing(None), {})


class FleetTest(unittest.TestCase):
    """Starting, stopping, killing, starting again."""

    def setUp(self):
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.fleet = stack.enter_context(rig.Fleet("vacancy-rig-"))

    def shell(self, name, on_term):
        """A program that does `on_term` when it is asked to stop."""
        return self.fleet.start(
            name,
            ["sh", "-c", UNTIL_TERM.format(name=name, on_term=on_term)],
            is_up=(self.fleet.folder / f"{name}.up").exists,
            cwd=self.fleet.folder,
        )

    def web(self, port):
        """A program that listens on a port."""
        return self.fleet.start(
            "web",
            [sys.executable, "-m", "http.server", port, "--bind", "127.0.0.1"],
            port=port,
            is_up=lambda: rig.get(f"127.0.0.1:{port}", "/")[0] == 200,
            cwd=self.fleet.folder,
        )

    def test_the_last_started_is_stopped_first_and_the_folder_removed(self):
        report = self.fleet.folder
        with rig.Fleet("vacancy-rig-") as self.fleet:
            for name in ("first", "second"):
                self.shell(name, f"echo {name} >> {report}/order; exit 0")
            inner = self.fleet.folder
        self.assertEqual((report / "order").read_text().split(), ["second", "first"])
        self.assertFalse(inner.exists())

    def test_what_is_to_be_kept_is_kept(self):
        with contextlib.redirect_stdout(io.StringIO()) as said, rig.Fleet("vacancy-rig-") as fleet:
            self.addCleanup(fleet.folder.rmdir)
            fleet.keep = "logs"
        self.assertEqual(said.getvalue(), f"logs are in {fleet.folder}\n")
        self.assertTrue(fleet.folder.exists())

    def test_a_killed_program_starts_again_on_its_port(self):
        program = self.web(rig.free_port())
        program.kill()
        self.assertEqual(rig.get(program.address, "/", seconds=PATIENCE)[0], 0)
        program.start()
        self.assertEqual(rig.get(program.address, "/", seconds=PATIENCE)[0], 200)
        self.assertEqual(program.stop(), -signal.SIGTERM)

    def test_a_port_that_was_taken_meanwhile_is_named(self):
        with socket.socket() as other:
            other.bind(("127.0.0.1", rig.free_port()))
            other.listen()
            port = other.getsockname()[1]
            with self.assertRaisesRegex(rig.Trouble, f"taken 127.0.0.1:{port}"):
                self.web(port)

    def test_a_program_that_ends_at_its_start_says_why(self):
        with self.assertRaisesRegex(rig.Trouble, "^bad ended with 3: no such thing$"):
            command = ["sh", "-c", "echo no such thing; exit 3"]
            self.fleet.start("bad", command, is_up=lambda: False)

    def test_what_does_not_hear_is_killed(self):
        program = self.shell("deaf", "")
        program.ask_to_stop()
        self.assertEqual(program.wait(0.2), -signal.SIGKILL)

    def test_an_end_before_its_time_is_noticed(self):
        program = self.shell("short", "exit 7")
        program.process.terminate()
        program.process.wait()
        with self.assertRaisesRegex(rig.Trouble, "^short ended with 7$"):
            program.check()
        self.assertEqual(program.stop(), 7)


class SignalTest(unittest.TestCase):
    """The usual signals leave nothing behind."""

    def test_a_signal_stops_everything_and_is_the_status(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number):
                command = [sys.executable, "-c", INTERRUPTED, str(int(number))]
                done = subprocess.run(command, cwd=DEPLOY, capture_output=True, text=True)
                self.assertEqual(done.returncode, 128 + number, done.stderr)
                pid, folder = done.stdout.split()
                self.assertFalse(pathlib.Path(f"/proc/{pid}").exists())
                self.assertFalse(pathlib.Path(folder).exists())


class WaitTest(unittest.TestCase):
    """Waiting has an end."""

    def test_it_returns_what_it_waited_for(self):
        self.assertEqual(rig.wait_until("there is one", lambda: "one"), "one")

    def test_it_asks_once_more_after_its_time(self):
        answers = iter((False, True))

        def asked_late():
            time.sleep(0.02)
            return next(answers)

        self.assertTrue(rig.wait_until("it is so", asked_late, seconds=0.01, every=0))

    def test_a_check_hears_whether_it_came(self):
        self.assertTrue(rig.comes(lambda: "one"))
        self.assertFalse(rig.comes(lambda: None, seconds=0.01))

    def test_it_says_what_did_not_come(self):
        with self.assertRaisesRegex(rig.TimeIsUp, "until pigs fly"):
            rig.wait_until("pigs fly", lambda: False, seconds=0.05, every=0.01)


if __name__ == "__main__":
    unittest.main()
