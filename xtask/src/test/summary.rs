//! The table at the end of `cargo xtask test`.

use std::time::Duration;

/// How one step ended.
#[derive(Debug)]
pub(super) enum Verdict {
    Passed,
    Failed(String),
    /// The step looked for its input and it is not on this machine; only real data may say this.
    Skipped(String),
    /// An earlier step failed.
    NotRun,
}

/// One line of the table.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) step: &'static str,
    pub(super) verdict: Verdict,
    pub(super) took: Duration,
}

impl Line {
    /// A step that an earlier failure kept from running.
    pub(super) fn not_run(step: &'static str) -> Line {
        Line {
            step,
            verdict: Verdict::NotRun,
            took: Duration::ZERO,
        }
    }
}

/// Prints the table; its last line counts what passed and what failed.
pub(super) fn print(lines: &[Line]) {
    println!("\n{}", render(lines));
}

fn render(lines: &[Line]) -> String {
    let mut text = format!("{:<12}{:>9}  result\n", "step", "seconds");
    for line in lines {
        let seconds = line.took.as_secs_f64();
        let result = match &line.verdict {
            Verdict::Passed => "passed".to_owned(),
            Verdict::Failed(why) => format!("FAILED  {}", first_line(why)),
            Verdict::Skipped(why) => first_line(why).to_owned(),
            Verdict::NotRun => "not run".to_owned(),
        };
        text.push_str(&format!("{:<12}{seconds:>9.1}  {result}\n", line.step));
    }
    let passed = lines
        .iter()
        .filter(|l| matches!(l.verdict, Verdict::Passed))
        .count();
    let failed = lines
        .iter()
        .filter(|l| matches!(l.verdict, Verdict::Failed(_)))
        .count();
    text.push_str(&format!("{passed} passed, {failed} failed"));
    text
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail loudly")]
    use super::*;

    #[test]
    fn the_last_line_counts_and_nothing_skipped_counts_as_passed() {
        let line = |verdict| Line {
            step: "x",
            verdict,
            took: Duration::from_millis(1500),
        };
        let text = render(&[
            line(Verdict::Passed),
            line(Verdict::Failed("broken\nin detail".into())),
            line(Verdict::Skipped("real data: not found".into())),
            Line::not_run("later"),
        ]);
        assert_eq!(text.lines().last().unwrap(), "1 passed, 1 failed");
        assert!(text.contains("FAILED  broken\n"));
        assert!(text.contains("1.5  passed"));
        assert!(text.contains("later") && text.contains("not run"));
    }
}
