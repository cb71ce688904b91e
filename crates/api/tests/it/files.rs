//! The SQLite file under the service: by how many names it is called, whether it is still there, and
//! whether it can be written.

use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use vacancy_testkit::folder::Folder;
use vacancy_testkit::process::{Finished, Process};
use vacancy_testkit::{PATIENCE, eventually};

use crate::support::{Api, binary};

/// The user and group ids of `nobody`.
const NOBODY: u32 = 65534;
/// Nothing here is about time: no answer waits for more than the disk.
const NO_SWEEP: &[&str] = &["--sweep-interval", "0", "--request-timeout", "1m"];

fn url(file: &Path) -> String {
    format!("sqlite://{}?mode=rwc", file.display())
}

fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

async fn serve(file: &Path) -> Finished {
    let url = url(file);
    Process::run(binary(), &["serve", "--listen", "127.0.0.1:0", "--database-url", &url]).await
}

#[track_caller]
fn assert_refused(ended: &Finished, why: &str) {
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains(why), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
}

/// A file with two names has a log beside each, and two processes would write both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_with_two_names_is_refused() {
    let folder = Folder::new("two-names");
    let (first, second) = (folder.path().join("one.db"), folder.path().join("other.db"));
    let mut service = Process::start(binary(), &url(&first), NO_SWEEP).await;
    std::fs::hard_link(&first, &second).expect("one file system");
    assert_refused(&serve(&second).await, "has 2 names (hard links)");
    service.terminate().await;
    assert_refused(&serve(&first).await, "has 2 names (hard links)");
    std::fs::remove_file(&second).expect("it is there");
    Process::start(binary(), &url(&first), NO_SWEEP).await.terminate().await;
}

/// The lock goes by the file, not by its name: it holds when the lock beside has gone, as it has for
/// a file that is mounted alone into a second container.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_file_itself_is_locked_for_life() {
    let folder = Folder::new("lock");
    let file = folder.path().join("vacancy.db");
    let mut service = Process::start(binary(), &url(&file), NO_SWEEP).await;
    let api = Api::new(service.url());
    let room = api.one_room().await;
    std::fs::remove_file(beside(&file, ".lock")).expect("it is there");
    for night in 0..3 {
        api.book(&room, night, night + 1).await.expect(201);
        assert_refused(&serve(&file).await, "is in use by another vacancy process");
    }
    service.terminate().await;
    Process::start(binary(), &url(&file), NO_SWEEP).await.terminate().await;
}

/// What becomes of a service under whose feet `change` is done to its file.
async fn check_detached(change: impl Fn(&Path)) {
    let folder = Folder::new("detached");
    let file = folder.path().join("vacancy.db");
    let mut service = Process::start(binary(), &url(&file), NO_SWEEP).await;
    let api = Api::new(service.url());
    let room = api.one_room().await;
    api.book(&room, 0, 1).await.expect(201);
    change(&file);
    for night in 1..4 {
        let refused = api.book(&room, night, night + 1).await.expect(503);
        assert_eq!(refused.code(), "unavailable");
        api.get("/readyz").await.expect(503);
    }
    api.get("/livez").await.expect(200);
    // The log is written behind the service's back, and all of it before the service ends.
    service.terminate().await;
    let log = service.log();
    assert_eq!(log.matches("put the right file back").count(), 1, "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_was_removed_is_written_no_more() {
    check_detached(|file| std::fs::remove_file(file).expect("it is there")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_whose_log_was_removed_is_written_no_more() {
    check_detached(|file| std::fs::remove_file(beside(file, "-wal")).expect("it is there")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_was_replaced_is_written_no_more() {
    check_detached(|file| {
        let copy = beside(file, ".copy");
        std::fs::copy(file, &copy).expect("a copy can be made");
        std::fs::rename(&copy, file).expect("it can be put in its place");
    })
    .await;
}

/// What stands before a command so that it runs without the privileges of root, to whom no file is
/// read-only; nothing if we have none.
fn unprivileged() -> String {
    if std::fs::metadata("/proc/self").is_ok_and(|this| this.uid() == 0) {
        format!("setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups ")
    } else {
        String::new()
    }
}

/// The program without privileges, and without the end that the kernel gives a process whose file may
/// not grow.
fn confined(folder: &Folder) -> PathBuf {
    let unprivileged = unprivileged();
    if !unprivileged.is_empty() {
        chown(folder.path(), Some(NOBODY), Some(NOBODY)).expect("root may give things away");
    }
    let script =
        format!("#!/bin/sh\ntrap '' XFSZ\nexec {unprivileged}'{}' \"$@\"\n", binary().display());
    let confined = folder.path().join("confined");
    std::fs::write(&confined, script).expect("it is ours");
    set_mode(&confined, 0o755);
    confined
}

fn set_mode(file: &Path, mode: u32) {
    let mode = Permissions::from_mode(mode);
    std::fs::set_permissions(file, mode).expect("our own file's mode can be set");
}

/// The database and what SQLite keeps beside it.
fn set_modes(file: &Path, mode: u32) {
    for file in [file.to_path_buf(), beside(file, "-wal"), beside(file, "-shm")] {
        set_mode(&file, mode);
    }
}

/// The files that the process writes cannot grow beyond this, for as long as the limit is there.
fn limit_file_size(pid: u32, limit: &str) {
    let run = format!("{}prlimit --pid {pid} --fsize={limit}:unlimited", unprivileged());
    let done = Command::new("sh").args(["-c", &run]).status();
    assert!(done.expect("there is a shell").success(), "prlimit is part of util-linux");
}

/// A log that fails for a moment costs the writes of that moment, and so does a file that is
/// read-only meanwhile, when connections are made anew. No restart is needed after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_work_again_once_the_file_can_be_written() {
    let folder = Folder::new("failing-log");
    let file = folder.path().join("vacancy.db");
    let mut service = Process::start(&confined(&folder), &url(&file), NO_SWEEP).await;
    let api = Api::new(service.url());
    let room = api.one_room().await;
    api.book(&room, 0, 1).await.expect(201);
    // No longer than the log is: the next commit fails, and the service's messages find room.
    let log = std::fs::metadata(beside(&file, "-wal")).expect("it is there").len();
    limit_file_size(service.pid(), &log.to_string());
    set_modes(&file, 0o400);
    for night in 1..6 {
        let answer = api.book(&room, night, night + 1).await;
        // The first may find out by COMMIT itself.
        assert!(matches!(answer.status, 503 | 504), "{answer:?}");
    }
    api.get("/readyz").await.expect(503);
    limit_file_size(service.pid(), "unlimited");
    api.book(&room, 6, 7).await.expect(503);
    api.room_now(&room).await;
    set_modes(&file, 0o600);
    eventually("writes work again", PATIENCE, || async {
        (api.book(&room, 10, 11).await.status == 201).then_some(())
    })
    .await;
    for night in 11..30 {
        api.book(&room, night, night + 1).await.expect(201);
    }
    api.until_ready().await;
    service.terminate().await;
    let audit = ["audit", "--database-url", &url(&file)];
    let audit = Process::run(binary(), &audit).await;
    assert_eq!(audit.stdout, "audit: every rule holds\n", "{audit:?}");
}

/// What cannot be written is refused before a booking finds it out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_file_is_refused_at_start() {
    let folder = Folder::new("read-only");
    let file = folder.path().join("vacancy.db");
    let program = confined(&folder);
    Process::start(&program, &url(&file), NO_SWEEP).await.terminate().await;
    set_mode(&file, 0o400);
    let (url, listen) = (url(&file), ["--listen", "127.0.0.1:0"]);
    for command in [&["migrate"][..], &["serve", listen[0], listen[1], "--migrate", "no"]] {
        let args = [command, &["--database-url", &url]].concat();
        assert_refused(&Process::run(&program, &args).await, "cannot be written");
    }
    set_mode(&file, 0o600);
    Process::start(&program, &url, NO_SWEEP).await.terminate().await;
}
