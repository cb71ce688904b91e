//! The command line. `scripts/bench --help` describes it.

use std::path::PathBuf;

/// The parts of a run, in the order in which they are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Starting and standing still.
    Idle,
    /// Round trips of each operation.
    Trips,
    /// Bookings over all rooms.
    Uniform,
    /// Bookings of one room.
    Hot,
    /// One room read.
    Read,
    /// The same on SQLite.
    Sqlite,
    /// With and without keys.
    Keyed,
    /// More bookings than can be done.
    Overload,
    /// Up to a million bookings.
    Growth,
}

const PARTS: &[(&str, Part)] = &[
    ("idle", Part::Idle),
    ("trips", Part::Trips),
    ("uniform", Part::Uniform),
    ("hot", Part::Hot),
    ("read", Part::Read),
    ("sqlite", Part::Sqlite),
    ("keyed", Part::Keyed),
    ("overload", Part::Overload),
    ("growth", Part::Growth),
];

/// What to measure, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The service.
    pub binary: PathBuf,
    /// What to measure.
    pub parts: Vec<Part>,
    /// How long a slice lasts, in seconds, 1 to 600.
    pub seconds: u64,
    /// How many slices of each side, 1 to 20.
    pub rounds: usize,
    /// Bookings in the tables at each step of the growth, beside those that are always there.
    pub growth: Vec<i64>,
    /// Where the report goes besides the standard output.
    pub out: Option<PathBuf>,
    /// The document between whose markers it goes.
    pub write: Option<PathBuf>,
}

impl Options {
    /// Reads the arguments after the program's name. Fails with what is wrong.
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            binary: PathBuf::from("target/release/vacancy"),
            parts: PARTS
                .iter()
                .map(|(_, part)| *part)
                .filter(|part| *part != Part::Growth)
                .collect(),
            seconds: 0,
            rounds: 0,
            growth: vec![0, 100_000, 1_000_000],
            out: None,
            write: None,
        };
        let (mut quick, mut growth) = (false, false);
        while let Some(name) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{name} needs a value"));
            match name.as_str() {
                "--binary" => options.binary = value()?.into(),
                "--only" => options.parts = parts(&value()?)?,
                "--seconds" => options.seconds = number(&name, &value()?, 600)?,
                "--rounds" => options.rounds = number(&name, &value()?, 20)? as usize,
                "--out" => options.out = Some(value()?.into()),
                "--write" => options.write = Some(value()?.into()),
                "--growth" => growth = true,
                "--quick" => quick = true,
                _ => return Err(format!("unknown option {name}; see scripts/bench --help")),
            }
        }
        if growth && !options.parts.contains(&Part::Growth) {
            options.parts.push(Part::Growth);
        }
        if quick {
            options.growth = vec![0, 20_000];
        }
        let (seconds, rounds) = if quick { (2, 1) } else { (8, 3) };
        if options.seconds == 0 {
            options.seconds = seconds;
        }
        if options.rounds == 0 {
            options.rounds = rounds;
        }
        Ok(options)
    }
}

fn parts(list: &str) -> Result<Vec<Part>, String> {
    let names: Vec<_> = list.split(',').collect();
    if let Some(name) = names.iter().find(|name| !PARTS.iter().any(|(known, _)| known == *name)) {
        let known: Vec<_> = PARTS.iter().map(|(name, _)| *name).collect();
        return Err(format!("--only takes {}, not {name:?}", known.join(",")));
    }
    Ok(PARTS.iter().filter(|(name, _)| names.contains(name)).map(|(_, part)| *part).collect())
}

fn number(name: &str, text: &str, max: u64) -> Result<u64, String> {
    let number = text.parse().ok().filter(|number| (1..=max).contains(number));
    number.ok_or(format!("{name} takes a whole number from 1 to {max}, not {text:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn growth_is_measured_only_when_it_was_asked_for() {
        let plain = parsed("").expect("nothing is needed");
        assert!(!plain.parts.contains(&Part::Growth));
        assert_eq!((plain.seconds, plain.rounds), (8, 3));
        assert_eq!(parsed("--growth").expect("it is known").parts.len(), plain.parts.len() + 1);
        let only = parsed("--quick --only growth,hot --seconds 5").expect("they are known");
        assert_eq!(only.parts, [Part::Hot, Part::Growth]);
        assert_eq!((only.seconds, only.rounds), (5, 1));
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for line in
            ["--fast", "--only", "--only hot,cold", "--seconds 0", "--rounds x", "--seconds 601"]
        {
            assert!(parsed(line).is_err(), "{line}");
        }
    }
}
