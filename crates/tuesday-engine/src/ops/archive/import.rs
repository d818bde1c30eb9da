//! Reads an export back: its rows for the store, and afterwards whether the new instance tells the same
//! stories.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Lines, Read};

use serde::Serialize;
use serde_json::Value;
use tuesday_domain::id::RunId;
use tuesday_domain::problem::Problem;
use tuesday_store::{In, Piece};

use super::{ExportSource, Manifest, STORIES, Sheet};
use crate::engine::Engine;

/// The lines of a file that is open.
type Rows = Lines<BufReader<Box<dyn Read + Send>>>;

/// How the stories compare.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// Runs whose stories were compared.
    pub compared: u64,
    /// Runs that are told otherwise.
    pub different: Vec<String>,
}

/// The rows of a checked export, table by table, a line in memory.
#[must_use]
pub fn pieces(
    from: &ExportSource,
    manifest: &Manifest,
    mut progress: impl FnMut(u64) + Send + 'static,
) -> In {
    let mut left: VecDeque<Sheet> = manifest.tables.iter().cloned().collect();
    let mut open: Option<(String, Rows)> = None;
    let from = from.clone();
    let mut count = 0;
    Box::new(move || {
        if let Some((name, lines)) = &mut open {
            if let Some(line) = lines.next() {
                let at = |e: String| format!("{name}: {e}");
                let line = line.map_err(|e| at(e.to_string()))?;
                let row = serde_json::from_str(&line).map_err(|e| at(e.to_string()))?;
                count += 1;
                if count % 1_000 == 0 {
                    progress(count);
                }
                return Ok(Some(Piece::Row(row)));
            }
            open = None;
        }
        let Some(sheet) = left.pop_front() else {
            return Ok(None);
        };
        let name = format!("data/{}.jsonl", sheet.name);
        let file = from.open(&name).map_err(|e| format!("{name}: {e}"))?;
        open = Some((name, BufReader::new(file).lines()));
        Ok(Some(Piece::Table {
            name: sheet.name,
            columns: sheet.columns,
        }))
    })
}

/// Draws some of so many, each as likely as any other, in one pass.
struct Drawn {
    wanted: u64,
    left: u64,
    seed: u64,
}

impl Drawn {
    /// Whether the next one is drawn.
    fn next(&mut self) -> bool {
        let taken = self.left > 0 && self.number() % self.left < self.wanted;
        self.wanted -= u64::from(taken);
        self.left = self.left.saturating_sub(1);
        taken
    }

    /// The next number of a sequence that the seed begins (SplitMix64).
    fn number(&mut self) -> u64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl Engine {
    /// Compares the stories of `most` runs, drawn at random from all of them, with those of the export; of
    /// fewer runs all. Runs that had moved between the rows and their story are left out.
    ///
    /// # Errors
    /// `export_refused` when the stories cannot be read, `unavailable`.
    pub async fn same_stories(
        &self,
        from: &ExportSource,
        manifest: &Manifest,
        most: u64,
        draw: u64,
    ) -> Result<Compared, Problem> {
        let lines = manifest.files.get(STORIES).map_or(0, |f| f.lines);
        let mut drawn = Drawn {
            wanted: most,
            left: lines,
            seed: draw,
        };
        let bad = |e: String| Problem::new("export_refused", format!("{STORIES}: {e}"));
        let file = from.open(STORIES).map_err(|e| bad(e.to_string()))?;
        let mut out = Compared::default();
        for line in BufReader::new(file).lines() {
            let line = line.map_err(|e| bad(e.to_string()))?;
            if !drawn.next() {
                continue;
            }
            let told: Value = serde_json::from_str(&line).map_err(|e| bad(e.to_string()))?;
            let name = told.get("run").and_then(Value::as_str).unwrap_or_default();
            let id: RunId = name.parse().map_err(|e| bad(format!("{e}")))?;
            let run = self
                .0
                .reader
                .run(id)
                .await
                .map_err(crate::engine::read_problem)?;
            let same_version = run.is_some_and(|r| told.get("version") == Some(&r.version.into()));
            if !same_version {
                continue;
            }
            let story = serde_json::to_value(self.story(id).await?)
                .map_err(|e| Problem::new("internal", e.to_string()))?;
            out.compared += 1;
            if told.get("story") != Some(&story) {
                out.different.push(name.to_owned());
            }
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_so_many_are_drawn_and_each_is_sometimes() {
        let mut often = [0; 30];
        for seed in 0..300 {
            let mut drawn = Drawn {
                wanted: 10,
                left: 30,
                seed,
            };
            let taken: Vec<bool> = (0..30).map(|_| drawn.next()).collect();
            assert_eq!(taken.iter().filter(|t| **t).count(), 10);
            often
                .iter_mut()
                .zip(taken)
                .for_each(|(n, t)| *n += u32::from(t));
        }
        assert!(often.iter().all(|n| (60..140).contains(n)), "{often:?}");
        let mut few = Drawn {
            wanted: 100,
            left: 3,
            seed: 7,
        };
        assert_eq!([few.next(), few.next(), few.next()], [true; 3]);
    }
}
