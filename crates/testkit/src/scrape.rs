//! What `/metrics` said, as numbers to compare.

use std::collections::BTreeMap;

use crate::http::Client;

/// One line of a scrape.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The metric's name, with `_bucket`, `_sum` or `_count` for the parts of a histogram.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its value.
    pub value: f64,
}

impl Sample {
    fn has(&self, name: &str, labels: &[(&str, &str)]) -> bool {
        let carries = |(label, value): &(&str, &str)| {
            self.labels.get(*label).is_some_and(|actual| actual == value)
        };
        self.name == name && labels.iter().all(carries)
    }
}

impl std::fmt::Display for Sample {
    /// The series as Prometheus writes it: `name{label="value"}`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)?;
        for (position, (label, value)) in self.labels.iter().enumerate() {
            let opening = if position == 0 { '{' } else { ',' };
            write!(f, "{opening}{label}={value:?}")?;
        }
        if self.labels.is_empty() { Ok(()) } else { f.write_str("}") }
    }
}

/// All samples of one scrape, in the order they came.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scrape {
    samples: Vec<Sample>,
    types: BTreeMap<String, String>,
    helps: BTreeMap<String, String>,
}

impl Scrape {
    /// Reads `/metrics` of the service at `url` (such as `http://127.0.0.1:8080`).
    pub async fn get(url: &str) -> Self {
        let url = format!("{}/metrics", url.trim_end_matches('/'));
        let answer = Client::new().get(url).send().await.expect(200);
        Self::parse(std::str::from_utf8(&answer.body).expect("a scrape is UTF-8"))
    }

    /// Reads the text format. Panics, showing the line, when one is not of that format.
    pub fn parse(text: &str) -> Self {
        let mut scrape = Self::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if let Some(comment) = line.strip_prefix('#') {
                scrape.note(comment.trim_start());
            } else {
                let sample = sample(line).unwrap_or_else(|| panic!("not a sample: {line}"));
                scrape.samples.push(sample);
            }
        }
        scrape
    }

    /// All samples.
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// What `# TYPE` says of a metric; none when it says nothing.
    pub fn type_of(&self, name: &str) -> Option<&str> {
        self.types.get(name).map(String::as_str)
    }

    /// What `# HELP` says of a metric; none when it says nothing.
    pub fn help_of(&self, name: &str) -> Option<&str> {
        self.helps.get(name).map(String::as_str)
    }

    /// The value of the one series with this name and these labels (it may have others besides).
    ///
    /// Panics, listing the series of that name, when there is none or more than one.
    #[track_caller]
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let mut found = self.samples.iter().filter(|sample| sample.has(name, labels));
        match (found.next(), found.next()) {
            (Some(sample), None) => sample.value,
            (None, _) => panic!("no series {name} with {labels:?} in {}", self.listing(name)),
            (Some(_), Some(_)) => {
                panic!("several series {name} with {labels:?} in {}", self.listing(name))
            }
        }
    }

    /// The sum over all series with this name and these labels. Panics when no series has the name.
    #[track_caller]
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        assert!(self.samples.iter().any(|sample| sample.name == name), "no series {name}");
        let found = self.samples.iter().filter(|sample| sample.has(name, labels));
        // From +0, unlike `sum`, whose empty sum is -0.
        found.fold(0.0, |sum, sample| sum + sample.value)
    }

    /// The [`Scrape::sum`] of counters, which is a whole number. Panics when it is not one.
    #[track_caller]
    pub fn count(&self, name: &str, labels: &[(&str, &str)]) -> u64 {
        let sum = self.sum(name, labels);
        let whole = format!("{sum:.0}").parse().ok().filter(|_| sum.fract() == 0.0);
        whole.unwrap_or_else(|| panic!("{name} with {labels:?} counts {sum}"))
    }

    /// Every series whose name begins with `prefix` and whose value is not zero, as
    /// `name{label="value"}` and value: of a [`difference`], all that has moved.
    pub fn nonzero(&self, prefix: &str) -> BTreeMap<String, f64> {
        let moved = self.samples.iter().filter(|sample| sample.value != 0.0);
        let moved = moved.filter(|sample| sample.name.starts_with(prefix));
        moved.map(|sample| (sample.to_string(), sample.value)).collect()
    }

    fn note(&mut self, comment: &str) {
        let mut words = comment.splitn(3, ' ');
        let (kind, name, text) = (words.next(), words.next(), words.next().unwrap_or_default());
        let notes = match kind {
            Some("TYPE") => &mut self.types,
            Some("HELP") => &mut self.helps,
            _ => return,
        };
        notes.insert(name.unwrap_or_default().to_owned(), text.to_owned());
    }

    fn listing(&self, name: &str) -> String {
        let series = self.samples.iter().filter(|sample| sample.name == name);
        let series: Vec<_> = series.map(ToString::to_string).collect();
        if series.is_empty() { "an empty list".to_owned() } else { series.join(" ") }
    }
}

/// What each series of `after` has gained since `before`; one that is new has gained all of it.
pub fn difference(before: &Scrape, after: &Scrape) -> Scrape {
    let mut gained = after.clone();
    for sample in &mut gained.samples {
        let earlier = before
            .samples
            .iter()
            .find(|earlier| earlier.name == sample.name && earlier.labels == sample.labels);
        sample.value -= earlier.map_or(0.0, |earlier| earlier.value);
    }
    gained
}

/// `name{label="value",…} value [timestamp]`
fn sample(line: &str) -> Option<Sample> {
    let end = line.find(['{', ' '])?;
    let (name, rest) = line.split_at(end);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (BTreeMap::new(), rest),
    };
    let mut words = rest.split_whitespace();
    let value = words.next()?;
    let well_formed = !name.is_empty() && words.count() <= 1;
    // Prometheus writes `+Inf`, `-Inf` and `NaN`; Rust reads all three.
    well_formed.then_some(Sample { name: name.to_owned(), labels, value: value.parse().ok()? })
}

/// The labels up to the closing brace, and what follows it.
fn labels(mut rest: &str) -> Option<(BTreeMap<String, String>, &str)> {
    let mut labels = BTreeMap::new();
    loop {
        rest = rest.trim_start_matches([',', ' ']);
        if let Some(rest) = rest.strip_prefix('}') {
            return Some((labels, rest));
        }
        let (label, quoted) = rest.split_once("=\"")?;
        let (value, after) = unquote(quoted)?;
        labels.insert(label.to_owned(), value);
        rest = after;
    }
}

/// A label's value up to its closing quote, its escapes undone, and what follows it.
fn unquote(quoted: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((position, character)) = characters.next() {
        match character {
            '"' => return Some((value, &quoted[position + 1..])),
            '\\' => match characters.next()?.1 {
                'n' => value.push('\n'),
                escaped => value.push(escaped),
            },
            plain => value.push(plain),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
# HELP booking_lock_conflicts_total Writes that lost a race.
# TYPE booking_lock_conflicts_total counter
booking_lock_conflicts_total{operation="book"} 3
booking_lock_conflicts_total{operation="hold"} 0

booking_write_attempts_bucket{operation="book",le="+Inf"} 12 1700000000000
http_server_active_requests 1.5e2
odd{a="quote \" comma , brace } backslash \\ line \n end",b=""} -1
never NaN
"#;

    #[test]
    fn a_series_is_found_by_name_and_labels() {
        check_value("booking_lock_conflicts_total", &[("operation", "book")], 3.0);
        check_value("booking_lock_conflicts_total", &[("operation", "hold")], 0.0);
        check_value("booking_write_attempts_bucket", &[("le", "+Inf")], 12.0);
        check_value("http_server_active_requests", &[], 150.0);
        let odd = "quote \" comma , brace } backslash \\ line \n end";
        check_value("odd", &[("a", odd), ("b", "")], -1.0);
        assert!(Scrape::parse(TEXT).value("never", &[]).is_nan());
    }

    #[test]
    #[should_panic(expected = "no series booking_lock_conflicts_total with")]
    fn an_absent_series_is_not_zero() {
        check_value("booking_lock_conflicts_total", &[("operation", "move")], 0.0);
    }

    #[test]
    #[should_panic(expected = "several series")]
    fn an_ambiguous_series_is_refused() {
        check_value("booking_lock_conflicts_total", &[], 3.0);
    }

    #[test]
    #[should_panic(expected = "not a sample: name{a=\"b} 1")]
    fn what_is_not_the_text_format_is_refused() {
        Scrape::parse("name{a=\"b} 1");
    }

    #[test]
    fn a_sum_runs_over_all_series_with_the_labels() {
        let scrape = Scrape::parse("a{x=\"1\",y=\"1\"} 1\na{x=\"1\",y=\"2\"} 2\na{x=\"2\"} 4\n");
        assert_eq!(scrape.count("a", &[]), 7);
        assert_eq!(scrape.count("a", &[("x", "1")]), 3);
        assert_eq!(scrape.count("a", &[("x", "3")]), 0);
    }

    #[test]
    #[should_panic(expected = "counts 0.5")]
    fn a_count_is_a_whole_number() {
        Scrape::parse("a 0.5").count("a", &[]);
    }

    #[test]
    fn types_and_helps_are_kept() {
        let scrape = Scrape::parse(TEXT);
        assert_eq!(scrape.type_of("booking_lock_conflicts_total"), Some("counter"));
        let help = scrape.help_of("booking_lock_conflicts_total");
        assert_eq!(help, Some("Writes that lost a race."));
        assert_eq!(scrape.type_of("never"), None);
    }

    #[test]
    fn a_difference_shows_what_has_moved() {
        let before = Scrape::parse("a{x=\"1\"} 1\na{x=\"2\"} 5\n");
        let after = Scrape::parse("a{x=\"1\"} 4\na{x=\"2\"} 5\nb 2\n");
        let moved = difference(&before, &after);
        assert_eq!(moved.count("a", &[("x", "2")]), 0);
        let expected = [("a{x=\"1\"}".to_owned(), 3.0), ("b".to_owned(), 2.0)];
        assert_eq!(moved.nonzero(""), BTreeMap::from(expected));
    }

    #[track_caller]
    fn check_value(name: &str, labels: &[(&str, &str)], expected: f64) {
        assert_eq!(Scrape::parse(TEXT).value(name, labels).to_bits(), expected.to_bits());
    }
}
