//! Words from a record with what they name made reachable: an id becomes a link to its page, an address of the
//! console a link to it, and a moment is read as people read it.

use super::words::{moment, short};

/// A stretch of words, perhaps with a page behind it.
pub(super) struct Piece {
    pub(super) words: String,
    pub(super) href: Option<String>,
}

/// The words in pieces; `workflow` is where releases are looked up.
pub(super) fn pieces(text: &str, workflow: Option<&str>) -> Vec<Piece> {
    let mut out = Vec::new();
    let mut plain = String::new();
    for token in text.split_inclusive(char::is_whitespace) {
        let word = token.trim_end();
        let word = word.trim_end_matches(['.', ',', ';', ':', ')']);
        let after = token.get(word.len()..).unwrap_or_default();
        match named(word, workflow) {
            Some((words, href)) => {
                if !plain.is_empty() {
                    out.push(Piece {
                        words: std::mem::take(&mut plain),
                        href: None,
                    });
                }
                out.push(Piece {
                    words,
                    href: Some(href),
                });
                plain.push_str(after);
            }
            None if is_moment(word) => {
                plain.push_str(&moment(word, None));
                plain.push_str(after);
            }
            None => plain.push_str(token),
        }
    }
    if !plain.is_empty() {
        out.push(Piece {
            words: plain,
            href: None,
        });
    }
    out
}

/// `2026-12-31T03:00:00.999Z`, whole.
fn is_moment(word: &str) -> bool {
    word.len() > 19 && word.ends_with('Z') && !moment(word, None).is_empty()
}

/// The words and the page of what this word names.
fn named(word: &str, workflow: Option<&str>) -> Option<(String, String)> {
    if word.starts_with("/workflows/") {
        let path = word.split('?').next().unwrap_or(word);
        let page = path.rsplit('/').next().unwrap_or(path);
        return Some((page.replace('-', " "), word.to_owned()));
    }
    let (kind, tail) = word.split_once('_')?;
    if tail.len() != 26 || !tail.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    let href = match kind {
        "run" => format!("/runs/{word}"),
        "rev" => format!("/reviews/{word}"),
        "inc" => format!("/incidents/{word}"),
        "prb" => format!("/problem-reports/{word}"),
        "dut" => format!("/duties/{word}"),
        "int" => format!("/intake/{word}"),
        "rel" => format!("/workflows/{}/releases?id={word}", workflow?),
        _ => return None,
    };
    let words = match kind {
        "prb" => "a problem report".to_owned(),
        _ => short(word),
    };
    Some((words, href))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str, workflow: Option<&str>) -> Vec<(String, Option<String>)> {
        let all = pieces(text, workflow).into_iter();
        all.map(|p| (p.words, p.href)).collect()
    }

    #[test]
    fn what_is_named_can_be_opened() {
        let id = "prb_01m81r9f7ze80rz23x7r1z80jz";
        assert_eq!(
            told(&format!("answering {id}."), None),
            vec![
                ("answering ".to_owned(), None),
                (
                    "a problem report".to_owned(),
                    Some(format!("/problem-reports/{id}"))
                ),
                (".".to_owned(), None),
            ]
        );
        let page = "/workflows/desk/scorecard?from=2026-11-22&to=2026-12-22";
        assert_eq!(
            told(&format!("The figures: {page}"), None),
            vec![
                ("The figures: ".to_owned(), None),
                ("scorecard".to_owned(), Some(page.to_owned())),
            ]
        );
    }

    #[test]
    fn a_release_needs_its_workflow_and_other_words_stay() {
        let id = "rel_01m81r8jzheebtyerz3qpws2tv";
        assert_eq!(told(id, None), vec![(id.to_owned(), None)]);
        assert_eq!(
            told(id, Some("desk"))[0].1.as_deref(),
            Some(format!("/workflows/desk/releases?id={id}").as_str())
        );
        assert_eq!(
            told("old_path seen at 2026-12-31T03:00:00.999Z, twice", None),
            vec![(
                "old_path seen at 2026-12-31 03:00 UTC, twice".to_owned(),
                None
            )]
        );
    }
}
