//! Charts as SVG that the server writes: bars and lines over weeks. No script, colours from the style
//! sheet, a sentence for those who do not see it, and the values beside it as a table.

use std::fmt::Write as _;

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 190.0;
const LEFT: f64 = 66.0;
const RIGHT: f64 = 10.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 26.0;
/// From one line of text to the next.
const LINE: f64 = 13.0;

/// How the label of a week ends that is not whole: it is drawn as what it is, and named so in the table.
pub(super) const SO_FAR: &str = " week so far";

/// Whether the week of this label is not a whole one.
fn is_part(labels: &[String], i: usize) -> bool {
    labels.get(i).is_some_and(|l| l.ends_with(SO_FAR))
}

/// A drawn chart.
pub(super) struct Chart {
    /// The drawing; every text in it is escaped.
    pub(super) svg: String,
    /// Names of the columns of its table.
    pub(super) head: Vec<String>,
    /// Its values: the label, then one for each series.
    pub(super) rows: Vec<Vec<String>>,
}

/// One line or one set of bars.
pub(super) struct Series<'a> {
    /// What it is called.
    pub(super) name: &'a str,
    /// Its values; absent where nobody knows.
    pub(super) values: Vec<Option<i64>>,
    /// The scale reaches at least so far: a cent for money, so that its steps can be told.
    pub(super) least: i64,
    /// In which steps its values are counted.
    pub(super) steps: Steps,
}

/// What round numbers are: both the top of a scale and its middle are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Steps {
    /// Ten of one make the next.
    Tens,
    /// Milliseconds: minutes and hours.
    Clock,
}

impl Steps {
    /// A round number at or above `n`.
    fn above(self, n: f64) -> f64 {
        if n <= 0.0 {
            return 1.0;
        }
        let clock = CLOCK.into_iter().find(|top| *top >= n * 0.999_999);
        match (self, clock) {
            (Self::Clock, Some(top)) => top,
            (Self::Clock, None) => HOUR * tens(n / HOUR),
            (Self::Tens, _) => tens(n),
        }
    }
}

const MINUTE: f64 = 60_000.0;
const HOUR: f64 = 60.0 * MINUTE;
/// Round times up to two days; above, and below a second, hours and milliseconds are counted in tens.
const CLOCK: [f64; 24] = [
    10.0,
    20.0,
    40.0,
    100.0,
    200.0,
    400.0,
    1_000.0,
    2_000.0,
    4_000.0,
    10_000.0,
    20_000.0,
    40_000.0,
    MINUTE,
    4.0 * MINUTE,
    10.0 * MINUTE,
    20.0 * MINUTE,
    40.0 * MINUTE,
    HOUR,
    4.0 * HOUR,
    8.0 * HOUR,
    12.0 * HOUR,
    16.0 * HOUR,
    24.0 * HOUR,
    48.0 * HOUR,
];

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// 1, 2, 4, 6 or 8 and zeros, at or above `n`.
fn tens(n: f64) -> f64 {
    let power = 10_f64.powf(n.log10().floor());
    [1.0, 2.0, 4.0, 6.0, 8.0, 10.0]
        .map(|step| step * power)
        .into_iter()
        .find(|top| *top >= n * 0.999_999)
        .unwrap_or(n)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a place on a drawing needs no more"
)]
fn float(n: i64) -> f64 {
    n as f64
}

struct Frame {
    known: bool,
    low: f64,
    high: f64,
    count: usize,
}

impl Frame {
    fn of(series: &[Series<'_>], count: usize) -> Self {
        let all = || series.iter().flat_map(|s| s.values.iter().flatten());
        let least = series.iter().map(|s| s.least).max().unwrap_or(0);
        let high = all().copied().max().unwrap_or(0).max(least);
        let low = all().copied().min().unwrap_or(0).min(0);
        let steps = series.first().map_or(Steps::Tens, |s| s.steps);
        let top = if high > 0 || low == 0 {
            steps.above(float(high))
        } else {
            0.0
        };
        let bottom = if low < 0 {
            -steps.above(float(-low))
        } else {
            0.0
        };
        Self {
            known: all().next().is_some(),
            low: bottom,
            high: top,
            count: count.max(1),
        }
    }

    fn y(&self, value: f64) -> f64 {
        let part = (value - self.low) / (self.high - self.low);
        HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM)
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "a dozen weeks, one after another"
    )]
    fn x(&self, i: usize) -> f64 {
        let step = (WIDTH - LEFT - RIGHT) / self.count as f64;
        LEFT + step * (i as f64 + 0.5)
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "ticks are round numbers of the values' own size"
    )]
    fn grid(&self, svg: &mut String, told: &dyn Fn(i64) -> String) {
        if !self.known {
            let (x, y) = ((WIDTH + LEFT) / 2.0, HEIGHT / 2.0);
            let _ = write!(
                svg,
                "<text class=\"none\" x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">Nothing is known yet</text>"
            );
            return;
        }
        let mut ticks = vec![self.low, 0.0, self.high / 2.0, self.high];
        ticks.dedup();
        let words = |tick: f64| told(tick.round() as i64);
        // Half of one case is no mark.
        let half = words(self.high / 2.0);
        if half == words(self.high) || half == words(0.0) {
            ticks.retain(|t| *t != self.high / 2.0);
        }
        for tick in ticks {
            let (y, words) = (self.y(tick), escape(&words(tick)));
            let class = if tick == 0.0 { "zero" } else { "grid" };
            let _ = write!(
                svg,
                "<line class=\"{class}\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{words}</text>",
                WIDTH - RIGHT,
                LEFT - 6.0,
                y + 4.0
            );
        }
    }

    fn labels(&self, svg: &mut String, labels: &[String]) {
        // Every second label where there are many.
        let every = labels.len().div_ceil(7).max(1);
        for (i, label) in labels.iter().enumerate().rev().step_by(every) {
            let _ = write!(
                svg,
                "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                self.x(i),
                HEIGHT - 8.0,
                // The date of it stands in the table: there is no room for both.
                escape(if label.ends_with(SO_FAR) {
                    "so far"
                } else {
                    label
                })
            );
        }
    }
}

fn open(words: &str, labels: &[String]) -> String {
    let part = (0..labels.len()).any(|i| is_part(labels, i));
    let more = if part {
        "; the last week is not a whole one"
    } else {
        ""
    };
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}{more}\">",
        escape(words)
    )
}

fn table(
    labels: &[String],
    series: &[Series<'_>],
    told: &dyn Fn(i64) -> String,
) -> (Vec<String>, Vec<Vec<String>>) {
    let head = std::iter::once("Week".to_owned()).chain(series.iter().map(|s| s.name.to_owned()));
    let cell = |s: &Series<'_>, i: usize| {
        let value = s.values.get(i).copied().flatten();
        value.map_or_else(|| "missing".to_owned(), told)
    };
    let rows = labels.iter().enumerate().map(|(i, label)| {
        std::iter::once(label.clone())
            .chain(series.iter().map(|s| cell(s, i)))
            .collect()
    });
    (head.collect(), rows.collect())
}

/// Bars from zero, down as well as up; what nobody knows is a small dash.
pub(super) fn bars(
    words: &str,
    labels: &[String],
    series: Series<'_>,
    told: &dyn Fn(i64) -> String,
) -> Chart {
    let series = [series];
    let frame = Frame::of(&series, labels.len());
    let mut svg = open(words, labels);
    frame.grid(&mut svg, told);
    let wide = ((WIDTH - LEFT - RIGHT) / float(i64::try_from(labels.len().max(1)).unwrap_or(1))
        * 0.62)
        .min(40.0);
    for (i, value) in series[0].values.iter().enumerate() {
        let x = frame.x(i);
        let Some(value) = value else {
            if !frame.known {
                continue;
            }
            let y = frame.y(0.0) - 4.0;
            let _ = write!(
                svg,
                "<text class=\"none\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">–</text>"
            );
            continue;
        };
        let (a, b) = (frame.y(float(*value)), frame.y(0.0));
        let class = match (*value < 0, is_part(labels, i)) {
            (true, false) => "below",
            (false, false) => "bar",
            (true, true) => "below part",
            (false, true) => "bar part",
        };
        let _ = write!(
            svg,
            "<rect class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{wide:.1}\" height=\"{:.1}\" rx=\"2\"/>",
            x - wide / 2.0,
            a.min(b),
            (a - b).abs().max(0.8)
        );
    }
    frame.labels(&mut svg, labels);
    svg.push_str("</svg>");
    let (head, rows) = table(labels, &series, told);
    Chart { svg, head, rows }
}

/// As [`lines`], over days, with the area in which the first line may lie.
pub(super) fn band(
    words: &str,
    labels: &[String],
    series: &[Series<'_>],
    ends: &[(i64, i64)],
    told: &dyn Fn(i64) -> String,
) -> Chart {
    let most = ends.iter().map(|e| e.1).max().unwrap_or(0);
    let scaled: Vec<Series<'_>> = series
        .iter()
        .map(|s| Series {
            name: s.name,
            values: s.values.clone(),
            least: s.least.max(most),
            steps: s.steps,
        })
        .collect();
    let mut chart = lines(words, labels, &scaled, told);
    let frame = Frame::of(&scaled, labels.len());
    let point = |(i, n): (usize, i64)| format!("{:.1},{:.1}", frame.x(i), frame.y(float(n)));
    let upper = ends.iter().enumerate().map(|(i, e)| point((i, e.1)));
    let lower = ends.iter().enumerate().rev().map(|(i, e)| point((i, e.0)));
    let corners: Vec<String> = upper.chain(lower).collect();
    let area = format!("<polygon class=\"band\" points=\"{}\"/>", corners.join(" "));
    // Below the grid and the lines.
    if let Some(at) = chart.svg.find('>') {
        chart.svg.insert_str(at + 1, &area);
    }
    if let Some(first) = chart.head.first_mut() {
        *first = "Day".to_owned();
    }
    chart
        .head
        .extend(["at least".to_owned(), "at most".to_owned()]);
    for (row, (low, high)) in chart.rows.iter_mut().zip(ends) {
        row.extend([told(*low), told(*high)]);
    }
    chart
}

/// Lines, each named at its end; a gap where nobody knows.
pub(super) fn lines(
    words: &str,
    labels: &[String],
    series: &[Series<'_>],
    told: &dyn Fn(i64) -> String,
) -> Chart {
    let frame = Frame::of(series, labels.len());
    let mut svg = open(words, labels);
    frame.grid(&mut svg, told);
    let mut names = Vec::new();
    for (n, one) in series.iter().enumerate() {
        let (mut path, mut tail) = (String::new(), String::new());
        let mut pen = "M";
        let mut last = None;
        for (i, value) in one.values.iter().enumerate() {
            let Some(value) = value else {
                pen = "M";
                continue;
            };
            let (x, y) = (frame.x(i), frame.y(float(*value)));
            let part = if is_part(labels, i) { " part" } else { "" };
            match last.filter(|_| pen == "L" && !part.is_empty()) {
                Some((a, b)) => tail = format!("M{a:.1} {b:.1}L{x:.1} {y:.1}"),
                None => {
                    let _ = write!(path, "{pen}{x:.1} {y:.1}");
                }
            }
            pen = "L";
            let _ = write!(
                svg,
                "<circle class=\"c{}{part}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.6\"/>",
                n + 1
            );
            last = Some((x, y));
        }
        if !tail.is_empty() {
            let _ = write!(svg, "<path class=\"c{} part\" d=\"{tail}\"/>", n + 1);
        }
        let _ = write!(svg, "<path class=\"c{}\" d=\"{path}\"/>", n + 1);
        if let Some((x, y)) = last {
            names.push((x, (y - 7.0).max(10.0), one.name));
        }
    }
    write_names(&mut svg, names);
    frame.labels(&mut svg, labels);
    svg.push_str("</svg>");
    let (head, rows) = table(labels, series, told);
    Chart { svg, head, rows }
}

/// The names of lines at their ends; where two ends meet, the lower name is moved below the upper one.
fn write_names(svg: &mut String, mut names: Vec<(f64, f64, &str)>) {
    names.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut free = f64::NEG_INFINITY;
    for (x, y, name) in names {
        let y = y.max(free);
        free = y + LINE;
        let _ = write!(
            svg,
            "<text class=\"name\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"end\">{}</text>",
            escape(name)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(n: usize) -> Vec<String> {
        (0..n).map(|i| format!("w{i}")).collect()
    }

    #[test]
    fn negative_and_missing_values_are_drawn_as_what_they_are() {
        let series = Series {
            name: "Saved <b>",
            values: vec![Some(10), None, Some(-4)],
            least: 0,
            steps: Steps::Tens,
        };
        let chart = bars("a \"sentence\"", &labels(3), series, &|n| n.to_string());
        assert_eq!(chart.svg.matches("class=\"bar\"").count(), 1);
        assert_eq!(chart.svg.matches("class=\"below\"").count(), 1);
        assert_eq!(chart.svg.matches("class=\"none\"").count(), 1);
        assert_eq!(chart.rows[1], ["w1", "missing"]);
        assert!(chart.svg.contains("a &quot;sentence&quot;") && !chart.svg.contains("NaN"));
    }

    #[test]
    fn a_week_that_is_not_whole_is_drawn_and_named_so() {
        let weeks = || vec!["11-09".to_owned(), format!("11-16{SO_FAR}")];
        let of = |values| Series {
            name: "x",
            values,
            least: 0,
            steps: Steps::Tens,
        };
        let told = |n: i64| n.to_string();
        let chart = bars("Saved", &weeks(), of(vec![Some(10), Some(4)]), &told);
        assert_eq!(chart.svg.matches("class=\"bar\"").count(), 1);
        assert_eq!(chart.svg.matches("class=\"bar part\"").count(), 1);
        assert!(
            chart
                .svg
                .contains("Saved; the last week is not a whole one")
        );
        assert!(chart.svg.contains(">so far</text>") && !chart.svg.contains(SO_FAR));
        assert_eq!(chart.rows[1], ["11-16 week so far", "4"]);
        let chart = lines("Time", &weeks(), &[of(vec![Some(10), Some(4)])], &told);
        assert_eq!(chart.svg.matches("<path class=\"c1 part\"").count(), 1);
        assert_eq!(chart.svg.matches("<circle class=\"c1 part\"").count(), 1);
        let whole = ["11-02".to_owned(), "11-09".to_owned()];
        let chart = lines("Time", &whole, &[of(vec![Some(10), Some(4)])], &told);
        assert!(!chart.svg.contains("part") && !chart.svg.contains("so far"));
    }

    #[test]
    fn the_area_of_a_range_lies_below_its_line_and_in_the_table() {
        let series = [Series {
            name: "load",
            values: vec![Some(10), Some(20)],
            least: 0,
            steps: Steps::Tens,
        }];
        let chart = band("x", &labels(2), &series, &[(5, 30), (8, 40)], &|n| {
            n.to_string()
        });
        let (area, line) = (chart.svg.find("polygon"), chart.svg.find("<path"));
        assert!(area.is_some() && area < line, "{}", chart.svg);
        assert_eq!(chart.head, ["Day", "load", "at least", "at most"]);
        assert_eq!(chart.rows[1], ["w1", "20", "8", "40"]);
    }

    #[test]
    fn nothing_known_still_makes_a_drawing() {
        let series = [Series {
            name: "<i>",
            values: vec![None; 12],
            least: 0,
            steps: Steps::Tens,
        }];
        let chart = lines("x", &labels(12), &series, &|n| n.to_string());
        assert!(!chart.svg.contains("NaN") && !chart.svg.contains("inf"));
    }

    #[test]
    fn the_top_of_a_scale_and_its_middle_are_round() {
        let near = |a: f64, b: f64| (a - b).abs() < 1e-6;
        assert!(near(Steps::Tens.above(0.0), 1.0) && near(Steps::Tens.above(1_200.0), 2_000.0));
        assert!(near(Steps::Tens.above(2_100.0), 4_000.0));
        for (ms, top) in [
            (13.0, 20.0),
            (61_000.0, 4.0 * MINUTE),
            (21.0 * MINUTE, 40.0 * MINUTE),
            (90.0 * MINUTE, 4.0 * HOUR),
            (1_500.0 * HOUR, 2_000.0 * HOUR),
        ] {
            assert!(near(Steps::Clock.above(ms), top), "{ms}");
        }
    }

    #[test]
    fn names_of_lines_that_end_together_stand_apart() {
        let line = |name, last| Series {
            name,
            values: vec![Some(10), Some(last)],
            least: 0,
            steps: Steps::Tens,
        };
        let both = [line("came", 100), line("said", 99)];
        let chart = lines("x", &labels(2), &both, &|n| n.to_string());
        let y = |name: &str| {
            let text = chart.svg.split("<text class=\"name\"");
            let own = text.filter(|t| t.contains(name)).last();
            let y = own.and_then(|t| t.split("y=\"").nth(1)?.split('"').next()?.parse().ok());
            y.unwrap_or(0.0)
        };
        assert!(y("said") - y("came") >= LINE, "{}", chart.svg);
    }
}
