use vacancy_domain::HotelDay;
use vacancy_testkit::folder::Folder;
use vacancy_testkit::zone_file::{write_files, zone_file};

use super::*;

/// A directory with these files.
fn directory(files: &[(&str, &[u8])]) -> Folder {
    let folder = Folder::new("zoneinfo");
    write_files(folder.path(), files);
    folder
}

#[test]
fn a_directory_is_read_with_its_release() {
    let there = zone_file("XXX-14");
    let folder = directory(&[
        ("tzdata.zi", b"# version 2099z\n# more"),
        ("Europe/Rome", &there),
        ("America/Argentina/Ushuaia", &there),
        ("Asia/Broken", b"TZif2"),
        ("Europe/README", b"no zone"),
        ("posix/Europe/Oslo", &there),
        ("right/Europe/Oslo", &there),
    ]);
    let found = Found::at(&ZoneinfoSource::Directory(folder.path().to_owned()));
    let Found { zones, unread, .. } = found.expect("it is read");
    assert!(unread.len() == 1 && unread[0].starts_with("Asia/Broken"), "{unread:?}");
    assert_eq!((zones.release(), zones.source()), ("2099z", "system"));
    let now = "2026-12-01T11:00:00Z".parse().expect("an instant");
    for (name, today) in [
        ("Europe/Rome", Some("2026-12-02")),
        ("America/Argentina/Ushuaia", Some("2026-12-02")),
        ("Europe/Oslo", Some("2026-12-01")), // Compiled in.
        ("Asia/Broken", None),
        ("posix/Europe/Oslo", None),
        ("Europe/README", None),
    ] {
        let found = zones.find(name).ok();
        let found = found.map(|time_zone| HotelDay { time_zone, ..HotelDay::default() });
        let found = found.map(|day| day.today(now).to_string());
        assert_eq!(found.as_deref(), today, "{name}");
    }
}

#[test]
fn a_release_that_does_not_read_is_unknown() {
    for (file, text, release) in [
        ("+VERSION", "2026c\n", "2026c"),
        ("tzdata.zi", "# version 2025b-dirty\n", "2025b-dirty"),
        ("tzdata.zi", "Z Europe/Rome", "unknown"),
        ("+VERSION", "a line\" with {a quote}", "unknown"),
        ("+VERSION", "01234567890123456", "unknown"),
        ("+VERSION", "", "unknown"),
    ] {
        let folder = directory(&[(file, text.as_bytes())]);
        assert_eq!(super::release(folder.path()), release, "{text}");
    }
}

#[test]
fn a_directory_that_was_named_must_have_zones() {
    let empty = directory(&[("zone.tab", b"")]);
    for directory in [empty.path().to_owned(), empty.path().join("absent"), PathBuf::new()] {
        let said = ZoneinfoSource::Directory(directory.clone());
        assert!(Found::at(&said).is_err(), "{}", directory.display());
    }
}

#[test]
fn without_the_systems_the_compiled_in_copy_is_used() {
    let zones = Found::at(&ZoneinfoSource::Embedded).expect("it is there").zones;
    assert_eq!((zones.release(), zones.source()), (Zones::embedded_release(), "embedded"));
    assert!(is_older("2025b", "2026a") && !is_older("2026b", "2026a"));
    assert!(!is_older("unknown", "2026a") && !is_older("2025b", "unknown"));
}
