//! What Linux's `/proc` says of a process: its CPU time, its children, its peak memory.

use std::collections::HashMap;

/// CPU time in clock ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    parent: u32,
    /// User and system time of the process's own.
    own: u64,
    /// That of its children which have ended and were waited for.
    ended_children: u64,
}

/// Clock ticks a second, as `/proc` counts them.
pub fn ticks_per_second() -> f64 {
    let output = std::process::Command::new("getconf").arg("CLK_TCK").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    text.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(100.0)
}

/// User and system time of one process so far, in ticks; 0 when there is no such process.
pub fn ticks(pid: u32) -> u64 {
    stat(pid).map_or(0, |stat| stat.own)
}

/// The same of a process and of all that it has started, also of those that have ended.
pub fn family_ticks(pid: u32) -> u64 {
    let entries = std::fs::read_dir("/proc").expect("Linux's /proc");
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let all: HashMap<u32, Stat> = pids.filter_map(|pid| Some((pid, stat(pid)?))).collect();
    family(pid, &all)
}

fn family(pid: u32, all: &HashMap<u32, Stat>) -> u64 {
    let Some(head) = all.get(&pid) else { return 0 };
    let children = all.iter().filter(|(child, stat)| stat.parent == pid && **child != pid);
    head.own + head.ended_children + children.map(|(child, _)| family(*child, all)).sum::<u64>()
}

/// The most memory that the process ever had resident, in KiB; 0 when there is no such process.
pub fn peak_kib(pid: u32) -> u64 {
    memory("VmHWM:", pid)
}

/// The memory that the process has resident now, in KiB; 0 when there is no such process.
pub fn memory_kib(pid: u32) -> u64 {
    memory("VmRSS:", pid)
}

fn memory(name: &str, pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    field(name, &status).unwrap_or_default()
}

fn field(name: &str, status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

fn stat(pid: u32) -> Option<Stat> {
    parse(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

fn parse(stat: &str) -> Option<Stat> {
    // The second field is the program's name in brackets and may itself hold blanks and brackets.
    let fields: Vec<_> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    // The first of them is field 3 of proc(5).
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        own: number(14)? + number(15)?,
        ended_children: number(16)? + number(17)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_stat_are_found_behind_any_name() {
        let line = "42 (a) b (c) S 7 42 42 0 -1 4194560 1 2 3 4 100 20 30 4 20 0 1 0 555 1 2";
        assert_eq!(parse(line), Some(Stat { parent: 7, own: 120, ended_children: 34 }));
        assert_eq!(parse("42 (a) S 7"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn a_family_is_all_that_a_process_has_started() {
        let stat = |parent, own, ended_children| Stat { parent, own, ended_children };
        let all = HashMap::from([
            (10, stat(1, 1, 2)),
            (11, stat(10, 4, 0)),
            (12, stat(11, 8, 16)),
            (13, stat(1, 32, 64)),
        ]);
        assert_eq!(family(10, &all), 31);
        assert_eq!(family(99, &all), 0);
    }

    #[test]
    fn memory_is_read() {
        let status = "Name:\tx\nVmPeak:\t 9 kB\nVmHWM:\t  1234 kB\nVmRSS:\t  5 kB\n";
        assert_eq!(field("VmHWM:", status), Some(1234));
        assert_eq!(field("VmRSS:", status), Some(5));
        assert_eq!(field("VmHWM:", "Name:\tx\n"), None);
        let us = std::process::id();
        // In this order: other tests of this process may take more meanwhile.
        let now = memory_kib(us);
        assert!(now > 0 && peak_kib(us) >= now);
    }
}
