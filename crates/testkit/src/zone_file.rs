//! Zone files with rules of a test's own.

use std::path::Path;

/// A zone file (RFC 9636) with one rule for all time, as in the variable `TZ`: `XXX-14` is 14 hours
/// ahead of UTC.
pub fn zone_file(rule: &str) -> Vec<u8> {
    let head = |version: u8| {
        let mut head = b"TZif".to_vec();
        head.push(version);
        head.extend([0; 15]);
        // No leap seconds and no transitions; one kind of time, whose name has four bytes.
        for count in [0_u32, 0, 0, 0, 1, 4] {
            head.extend(count.to_be_bytes());
        }
        // Its offset, which the rule overrides, whether it is summer, and where its name begins.
        head.extend([0; 6]);
        head.extend(b"XXX\0");
        head
    };
    [head(b'2'), head(b'2'), format!("\n{rule}\n").into_bytes()].concat()
}

/// Writes files into `folder`, and the folders they are in.
pub fn write_files(folder: &Path, files: &[(&str, &[u8])]) {
    for (name, bytes) in files {
        let path = folder.join(name);
        let parent = path.parent().expect("it is in a folder");
        std::fs::create_dir_all(parent).expect("a new folder can be written");
        std::fs::write(&path, bytes).expect("a new folder can be written");
    }
}
