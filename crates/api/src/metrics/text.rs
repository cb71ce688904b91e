//! The text of a scrape, in an order that people and comparisons can rely on.

/// The media type of a scrape's text.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The exporter walks hash maps; this puts families in order of name, and series in order of
/// labels, so that people find things and two readings compare.
pub(super) fn sorted(text: &str) -> String {
    let mut families: Vec<Vec<&str>> = text
        .split("\n\n")
        .map(|family| family.lines().collect::<Vec<_>>())
        .filter(|lines| !lines.is_empty())
        .collect();
    for lines in &mut families {
        let header_lines = lines.iter().take_while(|line| line.starts_with('#')).count();
        // A stable sort, so the buckets of one histogram stay in the order of their bounds.
        lines[header_lines..].sort_by_key(|line| labels(line));
    }
    families.sort_unstable();
    let mut sorted = String::with_capacity(text.len());
    for line in families.iter().flatten() {
        sorted.push_str(line);
        sorted.push('\n');
    }
    sorted
}

/// The labels of a line, without the bound of a bucket, which the exporter writes last.
pub(super) fn labels(line: &str) -> &str {
    let Some((_, rest)) = line.split_once('{') else { return "" };
    let Some((labels, _value)) = rest.rsplit_once('}') else { return "" };
    match labels.rsplit_once("le=\"") {
        Some((labels, _bound)) => labels.trim_end_matches(','),
        None => labels,
    }
}
