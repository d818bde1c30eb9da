//! Cuts text into words, word pairs and letter groups, each with a stable hash.

use super::math::{HASH_START, hash};

/// Letter groups of 2 to 5 letters, with the word's edges counted as letters.
const SHORTEST_GROUP: usize = 2;
const LONGEST_GROUP: usize = 5;
/// A record is a request or a line, not a book; what lies beyond adds time and no meaning.
const MOST_WORDS: usize = 2_000;
/// Longer runs are identifiers or garbage; their letter groups stop here.
const MOST_LETTERS: usize = 40;

/// Lower-cased words: runs of letters and digits; an apostrophe inside a word is dropped, so `haven't` is one word.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut word = String::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter.is_alphanumeric() {
            word.extend(letter.to_lowercase());
            continue;
        }
        let apostrophe = matches!(letter, '\'' | '\u{2019}');
        let inside = apostrophe && letters.peek().is_some_and(|next| next.is_alphanumeric());
        if !inside && !word.is_empty() {
            found.push(std::mem::take(&mut word));
            if found.len() == MOST_WORDS {
                return found;
            }
        }
    }
    if !word.is_empty() {
        found.push(word);
    }
    found
}

/// What a piece of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    /// One word.
    Word,
    /// A word and the next one.
    Two,
    /// A group of letters inside a word.
    Letters,
}

/// Visits every piece of `words` with its hash and the place of its (first) word.
pub(super) fn pieces(field: &str, words: &[String], mut visit: impl FnMut(Piece, usize, u64)) {
    let field_hash = hash(HASH_START, field.as_bytes());
    let (as_word, as_two, as_letters) = (
        hash(field_hash, b"\0w"),
        hash(field_hash, b"\0b"),
        hash(field_hash, b"\0c"),
    );
    for (place, word) in words.iter().enumerate() {
        visit(Piece::Word, place, hash(as_word, word.as_bytes()));
        if let Some(next) = words.get(place + 1) {
            visit(
                Piece::Two,
                place,
                hash(hash(hash(as_two, word.as_bytes()), b" "), next.as_bytes()),
            );
        }
        let padded: Vec<char> = std::iter::once(' ')
            .chain(word.chars().take(MOST_LETTERS))
            .chain(std::iter::once(' '))
            .collect();
        for start in 0..padded.len() {
            let mut state = as_letters;
            for (length, letter) in padded[start..].iter().take(LONGEST_GROUP).enumerate() {
                state = hash(state, letter.encode_utf8(&mut [0; 4]).as_bytes());
                if length + 1 >= SHORTEST_GROUP {
                    visit(Piece::Letters, place, state);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_lower_case_and_keep_contractions_whole() {
        assert_eq!(
            words("I haven't 'got' it -- CS3, 2.5!"),
            ["i", "havent", "got", "it", "cs3", "2", "5"]
        );
        assert!(words(" ?! ").is_empty());
        assert_eq!(words("Straße ÄRGER"), ["straße", "ärger"]);
    }

    #[test]
    fn a_word_of_two_letters_has_the_groups_one_expects() {
        let mut counts = [0; 3];
        pieces("text", &words("to go"), |piece, _, _| {
            counts[piece as usize] += 1
        });
        // " to ": three groups of two, two of three, one of four.
        assert_eq!(counts, [2, 1, 12]);
    }

    #[test]
    fn the_same_word_in_two_fields_is_two_features() {
        let mut seen = Vec::new();
        for field in ["left", "right"] {
            pieces(field, &words("card"), |piece, _, hash| {
                if piece == Piece::Word {
                    seen.push(hash);
                }
            });
        }
        assert_ne!(seen[0], seen[1]);
    }
}
