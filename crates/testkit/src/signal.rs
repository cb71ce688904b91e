//! Signals to processes by their id, and what `/proc` says of them, without unsafe code.

use std::process::Command;

/// Sends `signal` (`"STOP"`, `"CONT"`, `"KILL"`, …) to each of `pids`; those already gone are passed over.
pub(crate) fn send(signal: &str, pids: &[u32]) {
    if pids.is_empty() {
        return;
    }
    // The shell's own `kill` is always there; a program of that name is not, in small containers.
    let status = Command::new("sh")
        .args(["-c", r#"signal=$1; shift; kill -s "$signal" "$@" 2>/dev/null"#, "kill", signal])
        .args(pids.iter().map(ToString::to_string))
        .status();
    status.expect("a shell to send signals with");
}

/// Whether the process still runs. One that ended but was not yet waited for does not.
pub(crate) fn alive(pid: u32) -> bool {
    state_and_parent(pid).is_some_and(|(state, _)| state != 'Z' && state != 'X')
}

/// Whether a SIGSTOP has taken effect on the process.
pub(crate) fn stopped(pid: u32) -> bool {
    state_and_parent(pid).is_some_and(|(state, _)| state == 'T')
}

/// The processes started by `parent` that are still there.
pub(crate) fn children(parent: u32) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").expect("Linux's /proc");
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid| state_and_parent(*pid).is_some_and(|(_, its)| its == parent)).collect()
}

/// Fields 3 and 4 of `/proc/<pid>/stat`; none when there is no such process.
fn state_and_parent(pid: u32) -> Option<(char, u32)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in brackets and may itself hold blanks and brackets.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_seen_to_stop_to_go_on_and_to_end() {
        let mut child = Command::new("sleep").arg("60").spawn().expect("sleep starts");
        let pid = child.id();
        assert!(alive(pid) && !stopped(pid));
        assert!(children(std::process::id()).contains(&pid));
        send("STOP", &[pid]);
        wait_until(|| stopped(pid));
        send("CONT", &[pid]);
        wait_until(|| !stopped(pid));
        send("KILL", &[pid]);
        wait_until(|| !alive(pid));
        child.wait().expect("it can be waited for");
        assert!(!children(std::process::id()).contains(&pid));
    }

    fn wait_until(condition: impl Fn() -> bool) {
        let started = std::time::Instant::now();
        while !condition() {
            assert!(started.elapsed() < crate::PATIENCE);
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
}
