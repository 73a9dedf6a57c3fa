//! Medians, quantiles, and lines with their goals.

/// The median with the least and the greatest.
pub(crate) fn spread(values: &[f64]) -> String {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let (least, most) = (values.first().unwrap(), values.last().unwrap());
    format!("{:8.3} [{least:.3} .. {most:.3}]", median(&values))
}

pub(crate) fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The quantile `q` of nanoseconds, in microseconds.
pub(crate) fn quantile(nanos: &mut [u64], q: f64) -> f64 {
    nanos.sort_unstable();
    let rank = ((nanos.len() as f64 * q) as usize).min(nanos.len() - 1);
    nanos[rank] as f64 / 1e3
}

/// One figure with its goal.
pub(crate) fn goal(what: &str, figure: f64, goal: f64, at_most: bool, unit: &str) {
    let met = if at_most { figure <= goal } else { figure >= goal };
    let (sign, verdict) = (if at_most { "<=" } else { ">=" }, if met { "met" } else { "MISSED" });
    println!("  {what:54} {figure:9.3} {unit:3} goal {sign} {goal} {unit:3} {verdict}");
}
