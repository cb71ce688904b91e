//! The report: Markdown, printed, written to a file, or put between the markers of a document.

use std::fmt::Write;
use std::path::Path;

use crate::slice::{Reference, Slice};
use crate::stats::{median, percentile, short, with_range};

const BEGIN: &str = "<!-- bench:begin -->";
const END: &str = "<!-- bench:end -->";

/// One row of the tables: the same work in several rounds.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// What was done.
    pub work: String,
    /// By the service.
    pub slices: Vec<Slice>,
    /// By the reference, in the same rounds.
    pub references: Vec<Reference>,
}

impl Row {
    /// An empty one.
    pub fn new(work: impl Into<String>) -> Self {
        Self { work: work.into(), ..Self::default() }
    }

    fn of(&self, value: impl Fn(&Slice) -> f64) -> f64 {
        median(&self.slices.iter().map(value).collect::<Vec<_>>())
    }

    /// The service's rate by the reference's, round by round.
    fn ratios(&self) -> Vec<f64> {
        let pairs = self.slices.iter().zip(&self.references);
        pairs.map(|(slice, reference)| slice.rate / reference.rate).collect()
    }

    fn rates(&self) -> String {
        let reference: Vec<_> = self.references.iter().map(|reference| reference.rate).collect();
        let ms = |percent| {
            short(
                self.of(|slice| f64::from(percentile(&slice.answers.latencies, percent)) / 1000.0),
            )
        };
        let conflicts = 100.0 * self.of(Slice::lock_conflict_share);
        format!(
            "| {} | {} | {} | {} | {} / {} / {} | {} |",
            self.work,
            short(self.of(|slice| slice.rate)),
            short(median(&reference)),
            with_range(&self.ratios()),
            ms(50),
            ms(95),
            ms(99),
            if conflicts > 0.0 { format!("{} %", short(conflicts)) } else { "0".to_owned() },
        )
    }

    fn costs(&self) -> String {
        let reference: Vec<_> = self.references.iter().map(|one| one.database_ms).collect();
        format!(
            "| {} | {} | {} | {} | {} | {} | {} |",
            self.work,
            short(self.of(|slice| slice.service_ms)),
            short(self.of(|slice| slice.database_ms.unwrap_or(f64::NAN))),
            short(median(&reference)),
            short(self.of(|slice| slice.client_ms)),
            short(self.of(|slice| slice.peak_mib)),
            self.others(),
        )
    }

    /// Which other answers there were, over all rounds.
    fn others(&self) -> String {
        let mut all = std::collections::BTreeMap::<u16, u64>::new();
        for slice in &self.slices {
            for (status, count) in &slice.answers.by_status {
                *all.entry(*status).or_default() += count;
            }
        }
        let shown = all.iter().map(|(status, count)| match status {
            0 => format!("{count} × broken off"),
            status => format!("{count} × {status}"),
        });
        shown.collect::<Vec<_>>().join(", ")
    }
}

/// The two tables of a part.
pub fn tables(title: &str, rows: &[Row], notes: &[String]) -> String {
    let mut text = format!("### {title}\n\n");
    text += "| work | service /s | reference /s | ratio | p50 / p95 / p99 ms | `lock_conflict` |\n";
    text += "|---|---|---|---|---|---|\n";
    for row in rows {
        writeln!(text, "{}", row.rates()).expect("memory takes text");
    }
    text += "\n| CPU and memory | service ms | database ms | reference's database ms | client ms | peak MiB | answers |\n";
    text += "|---|---|---|---|---|---|---|\n";
    for row in rows {
        writeln!(text, "{}", row.costs()).expect("memory takes text");
    }
    for note in notes {
        write!(text, "\n{note}\n").expect("memory takes text");
    }
    text
}

/// Puts a report between the markers of a document. Panics when it has none.
pub fn put_into(document: &Path, report: &str) {
    let text = std::fs::read_to_string(document);
    let text = text.unwrap_or_else(|error| panic!("{}: {error}", document.display()));
    let text = replaced(&text, report)
        .unwrap_or_else(|| panic!("{} lacks {BEGIN} and {END}", document.display()));
    std::fs::write(document, text).expect("what can be read can be written");
}

/// None when a marker is missing.
pub fn replaced(text: &str, report: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{}\n{END}{after}", report.trim()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::load::Answers;

    #[test]
    fn a_report_replaces_the_one_before() {
        let document = "# Title\n<!-- bench:begin -->\nold\n<!-- bench:end -->\nrest\n";
        let once = replaced(document, "new\n").expect("both markers are there");
        assert_eq!(once, "# Title\n<!-- bench:begin -->\nnew\n<!-- bench:end -->\nrest\n");
        assert_eq!(replaced(&once, "new\n"), Some(once.clone()));
        assert_eq!(replaced("no markers", "new"), None);
    }

    #[test]
    fn a_row_shows_the_median_of_the_ratios_and_what_was_answered() {
        let slice = |rate| Slice {
            rate,
            answers: Answers {
                elapsed: Duration::from_secs(1),
                by_status: BTreeMap::from([(201, 3), (409, 1)]),
                lock_conflicts: 1,
                latencies: vec![1000, 2000, 3000, 4000],
            },
            warm_up: Answers::default(),
            service_ms: 0.5,
            database_ms: None,
            client_ms: 0.02,
            peak_mib: 30.0,
        };
        let reference = |rate| Reference { rate, database_ms: 1.0 };
        let row = Row {
            work: "work".to_owned(),
            slices: [100.0, 90.0, 120.0].map(slice).to_vec(),
            references: [200.0, 100.0, 200.0].map(reference).to_vec(),
        };
        let ratio = "0.60 (0.50–0.90)";
        assert_eq!(
            row.rates(),
            format!("| work | 100 | 200 | {ratio} | 2.00 / 4.00 / 4.00 | 25.0 % |")
        );
        assert_eq!(row.slices[0].unwell("work"), None);
        let mut unwell = slice(1.0);
        unwell.warm_up.by_status.extend([(0, 1), (500, 2), (503, 4)]);
        assert_eq!(unwell.unwell("work").as_deref(), Some("work: 1 × 0, 2 × 500"));
        assert_eq!(row.costs(), "| work | 0.50 | – | 1.00 | 0.020 | 30.0 | 9 × 201, 3 × 409 |");
    }
}
