//! The story as text.

use super::Story;

impl Story {
    /// The story as text for a terminal.
    #[must_use]
    pub fn text(&self) -> String {
        use std::fmt::Write as _;
        let mut out = format!(
            "{} · {}\n{}\n{}\n",
            self.run, self.title, self.subject, self.summary
        );
        for (i, a) in self.answers.iter().enumerate() {
            let _ = write!(out, "\n{}. {}\n   {}\n", i + 1, a.question, a.answer);
        }
        let _ = writeln!(out, "\nTimeline");
        for m in &self.timeline {
            let _ = writeln!(
                out,
                "  {}  {:<24} {:<22} {}",
                m.local,
                m.kind,
                m.actor,
                m.moves.join(", ")
            );
        }
        let i = &self.integrity;
        let verdict = if i.whole { "whole" } else { "NOT whole" };
        let _ = writeln!(
            out,
            "\nRecord {verdict}: {} entries, {} sealed",
            i.entries, i.sealed
        );
        for d in &i.damaged {
            let _ = writeln!(out, "  damaged: {d}");
        }
        out
    }
}
