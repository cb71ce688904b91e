//! Medians, percentiles and how they are shown.

/// The median; NaN of nothing. Of an even number, the mean of the two in the middle.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => sorted[half],
        _ => f64::midpoint(sorted[half - 1], sorted[half]),
    }
}

/// The smallest of `sorted` that at least `percent` of 100 do not exceed; 0 of nothing.
pub fn percentile(sorted: &[u32], percent: usize) -> u32 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

/// The median with the range, such as `0.62 (0.58–0.66)`; the range is left out of a single value.
pub fn with_range(values: &[f64]) -> String {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    match values.len() {
        0 => "–".to_owned(),
        1 => short(median(values)),
        _ => format!("{} ({}–{})", short(median(values)), short(low), short(high)),
    }
}

/// A number with as many digits as it is worth: `12,345`, `123`, `12.3`, `1.23`, `0.012`.
pub fn short(value: f64) -> String {
    match value.abs() {
        _ if !value.is_finite() => "–".to_owned(),
        size if size >= 1000.0 => grouped(value.round() as i64),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 0.1 || size == 0.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// A whole number with commas, such as `1,000,000`.
pub fn grouped(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if value < 0 { format!("-{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_in_the_middle() {
        for (values, expected) in
            [(vec![3.0, 1.0, 2.0], 2.0), (vec![4.0, 1.0], 2.5), (vec![7.0], 7.0)]
        {
            assert_eq!(median(&values).to_bits(), f64::to_bits(expected), "{values:?}");
        }
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let hundred: Vec<u32> = (1..=100).collect();
        assert_eq!(
            [50, 95, 99, 100].map(|percent| percentile(&hundred, percent)),
            [50, 95, 99, 100]
        );
        assert_eq!(percentile(&[7], 1), 7);
        assert_eq!(percentile(&[1, 2], 99), 2);
        assert_eq!(percentile(&[], 50), 0);
    }

    #[test]
    fn numbers_have_as_many_digits_as_they_are_worth() {
        let shown = [1_234_567.4, 123.4, 12.34, 1.234, 0.1234, 0.01234, 0.0, f64::NAN].map(short);
        assert_eq!(shown, ["1,234,567", "123", "12.3", "1.23", "0.12", "0.012", "0.00", "–"]);
        assert_eq!(grouped(-1000), "-1,000");
        assert_eq!(with_range(&[0.5, 0.7, 0.6]), "0.60 (0.50–0.70)");
        assert_eq!(with_range(&[0.5]), "0.50");
        assert_eq!(with_range(&[]), "–");
    }
}
