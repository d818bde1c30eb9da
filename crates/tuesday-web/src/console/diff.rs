//! Word-level differences between two texts, for the editor and the run page.

/// A stretch of text and where it belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// In both.
    Same(String),
    /// In the old text only.
    Gone(String),
    /// In the new text only.
    New(String),
}

/// Longer texts are shown as one removal and one addition: the table below grows with the square.
const MAX_WORDS: usize = 2_000;

/// What turns `old` into `new`, in reading order.
pub(crate) fn words(old: &str, new: &str) -> Vec<Part> {
    let (a, b) = (split(old), split(new));
    let head = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let tail = a[head..]
        .iter()
        .rev()
        .zip(b[head..].iter().rev())
        .take_while(|(x, y)| x == y)
        .count();
    let (middle_a, middle_b) = (&a[head..a.len() - tail], &b[head..b.len() - tail]);
    let mut out = Vec::new();
    push(&mut out, Part::Same, &a[..head]);
    if middle_a.len() > MAX_WORDS || middle_b.len() > MAX_WORDS {
        push(&mut out, Part::Gone, middle_a);
        push(&mut out, Part::New, middle_b);
    } else {
        middle(middle_a, middle_b, &mut out);
    }
    push(&mut out, Part::Same, &a[a.len() - tail..]);
    out
}

/// Longest common subsequence by the textbook table, then one walk through it.
fn middle(a: &[&str], b: &[&str], out: &mut Vec<Part>) {
    let width = b.len() + 1;
    let mut best = vec![0_u16; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            best[i * width + j] = if a[i] == b[j] {
                best[(i + 1) * width + j + 1] + 1
            } else {
                best[(i + 1) * width + j].max(best[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            push(out, Part::Same, &a[i..=i]);
            (i, j) = (i + 1, j + 1);
        } else if i < a.len()
            && (j == b.len() || best[(i + 1) * width + j] >= best[i * width + j + 1])
        {
            push(out, Part::Gone, &a[i..=i]);
            i += 1;
        } else {
            push(out, Part::New, &b[j..=j]);
            j += 1;
        }
    }
}

/// Adds words to the last part where it is of the same kind.
fn push(out: &mut Vec<Part>, kind: fn(String) -> Part, words: &[&str]) {
    if words.is_empty() {
        return;
    }
    let part = kind(words.concat());
    match (out.last_mut(), part) {
        (Some(Part::Same(old)), Part::Same(new))
        | (Some(Part::Gone(old)), Part::Gone(new))
        | (Some(Part::New(old)), Part::New(new)) => {
            old.push_str(&new);
        }
        (_, part) => out.push(part),
    }
}

/// Words, and each run of white space as a word of its own, so that nothing is lost.
fn split(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut start = 0;
    let mut in_space = None;
    for (at, c) in text.char_indices() {
        let space = c.is_whitespace();
        if in_space.is_some_and(|was| was != space) {
            out.push(&text[start..at]);
            start = at;
        }
        in_space = Some(space);
    }
    if start < text.len() {
        out.push(&text[start..]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn old_and_new(parts: &[Part]) -> (String, String) {
        let (mut old, mut new) = (String::new(), String::new());
        for part in parts {
            match part {
                Part::Same(t) => {
                    old.push_str(t);
                    new.push_str(t);
                }
                Part::Gone(t) => old.push_str(t),
                Part::New(t) => new.push_str(t),
            }
        }
        (old, new)
    }

    #[test]
    fn one_changed_word_is_one_removal_and_one_addition() {
        let parts = words(
            "It should reach you within 3 days.",
            "It should reach you within 5 days.",
        );
        assert_eq!(parts[1..3], [Part::Gone("3".into()), Part::New("5".into())]);
    }

    #[test]
    fn both_texts_can_be_read_back() {
        for (a, b) in [
            ("", ""),
            ("", "new"),
            ("old", ""),
            ("a b c d", "a x c y"),
            ("eins  zwei\n drei", "eins zwei\n\n drei vier"),
            ("same", "same"),
        ] {
            assert_eq!(old_and_new(&words(a, b)), (a.to_owned(), b.to_owned()));
        }
        let long = "word ".repeat(5_000);
        let other = "term ".repeat(5_000);
        assert_eq!(old_and_new(&words(&long, &other)), (long.clone(), other));
    }
}
