//! The machine on which a run was made, so that its figures can be placed.

use std::fs::{self, File};
use std::io::Write;
use std::time::Instant;

use vacancy_testkit::folder::Folder;

use crate::stats::{median, short};

/// How often a write to the disk is timed.
const SYNCS: usize = 100;

/// Two or three sentences.
pub fn describe(postgres: &str) -> String {
    let read = |file| fs::read_to_string(file).unwrap_or_default();
    let cpu =
        field(&read("/proc/cpuinfo"), "model name").unwrap_or_else(|| "an unknown CPU".into());
    let memory = field(&read("/proc/meminfo"), "MemTotal");
    let memory = memory.and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = read("/proc/sys/kernel/osrelease");
    format!(
        "Machine: {cpu}, {cores} cores, {} GiB, Linux {}; an `fdatasync` of 4 KiB takes {} ms (median \
         of {SYNCS}). PostgreSQL {postgres} with its default durability, the service, the reference and \
         the client share it.",
        short(memory.unwrap_or(f64::NAN) / 1024.0 / 1024.0),
        kernel.split('-').next().unwrap_or_default().trim(),
        short(sync_ms()),
    )
}

/// The value behind `name:` in one of the kernel's lists.
fn field(list: &str, name: &str) -> Option<String> {
    let line = list.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// How long it takes until 4 KiB are on the disk below the temporary folder.
fn sync_ms() -> f64 {
    let folder = Folder::new("disk");
    let mut file = File::create(folder.path().join("file")).expect("a new folder can be written");
    let mut times = Vec::new();
    for _ in 0..SYNCS {
        let began = Instant::now();
        file.write_all(&[1; 4096]).expect("the disk takes it");
        file.sync_data().expect("the disk keeps it");
        times.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    median(&times)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_its_name() {
        let list = "processor\t: 0\nmodel name\t: EPYC: fast\nMemTotal:       123 kB\n";
        assert_eq!(field(list, "model name").as_deref(), Some("EPYC: fast"));
        assert_eq!(field(list, "MemTotal").as_deref(), Some("123 kB"));
        assert_eq!(field(list, "flags"), None);
    }
}
