//! Mails to the address for reports of wrong outputs: the port to the mailbox, and what a mail says
//! about the case it means. A mail is data: it names a case and says words, and decides nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::id::{ReviewId, RunId};
use crate::port::Call;
use crate::record::MailOutcome;

/// Most bytes of words that become a report.
const MOST_BYTES: usize = 8 * 1_024;
/// Most words of a mail that are looked up as the name of a record.
const MOST_NAMES: usize = 40;
/// A name shorter than this is in too many mails by chance.
const SHORTEST_NAME: usize = 4;
/// Longest line of a subject that is kept.
const SUBJECT_CHARS: usize = 200;

/// The mailbox that reports are sent to.
pub trait Mailbox: Send + Sync {
    /// Where it is, without a secret: `reports@example.com at imap.example.com:993`.
    fn place(&self) -> &str;
    /// The address that people write to, when it is known.
    fn address(&self) -> Option<&str>;
    /// Between two looks.
    fn every(&self) -> Duration;
    /// Mails that wait, oldest first, at most `limit`. Nothing is marked or moved.
    fn waiting(&self, limit: usize) -> Call<'_, Result<Vec<Mail>, MailboxFault>>;
    /// Moves mails out of the way once what became of them is durable. Safe to repeat.
    fn put_away<'a>(&'a self, mails: &'a [PutAway]) -> Call<'a, Result<(), MailboxFault>>;
    /// The folder that mails of this outcome are moved to.
    fn folder(&self, outcome: MailOutcome) -> &str;
}

/// Why a mailbox could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailboxFault {
    /// The server refused the credentials; everything else may pass by itself.
    pub refused: bool,
    /// In words; no secret and nothing of a mail.
    pub detail: String,
}

/// A mail on its way out of the mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutAway {
    /// The mailbox's handle, as in [`Mail`].
    pub handle: String,
    /// What became of it.
    pub outcome: MailOutcome,
}

/// A mail as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mail {
    /// The mailbox's handle for [`Mailbox::put_away`].
    pub handle: String,
    /// The same for the same mail however often it is read or delivered: a hash of its id, sender,
    /// subject and text.
    pub key: String,
    /// Its length in bytes.
    pub size_bytes: u64,
    /// Only the beginning was read, because it is larger than what is taken.
    pub cut: bool,
    /// It could be read as a mail at all.
    pub readable: bool,
    /// A machine sent it: an automatic reply, a bounce, a notice.
    pub automatic: bool,
    /// Addresses it was sent to.
    pub to: Vec<String>,
    /// Address of the sender, as the mail claims it.
    pub from: Option<String>,
    /// Subject line.
    pub subject: String,
    /// Its text; HTML is turned into text before.
    pub text: String,
    /// Ids of the mails it answers, in angle brackets.
    pub answers: Vec<String>,
    /// Names of files that came with it.
    pub attachments: Vec<String>,
}

impl Mail {
    /// What becomes of it, seen alone.
    #[must_use]
    pub fn outcome(&self) -> MailOutcome {
        if self.automatic {
            MailOutcome::Automatic
        } else if !self.readable {
            MailOutcome::Unreadable
        } else if self.cut {
            MailOutcome::TooLarge
        } else if self.text.trim().is_empty() {
            MailOutcome::WithoutText
        } else {
            MailOutcome::Reported
        }
    }

    /// Who reports. Whoever sends a mail writes the sender too, so it is never taken for a person
    /// of this instance: only an address counts.
    #[must_use]
    pub fn sender(&self) -> String {
        let address = self.from.as_deref().map(str::trim).unwrap_or_default();
        let plain: String = address.chars().filter(|c| !c.is_control()).collect();
        if plain.contains('@') && plain.len() <= 254 {
            plain.to_lowercase()
        } else {
            "a sender without an address".to_owned()
        }
    }

    /// The words of its report. `folder` is where the mail itself can be found.
    #[must_use]
    pub fn words(&self, folder: &str) -> String {
        let mut notes = Vec::new();
        match self.outcome() {
            MailOutcome::Unreadable => notes.push("The mail could not be read.".to_owned()),
            MailOutcome::TooLarge => notes.push(format!(
                "The mail has {} bytes, more than is taken; only its beginning was read.",
                self.size_bytes
            )),
            MailOutcome::WithoutText => notes.push("The mail has no text.".to_owned()),
            MailOutcome::Reported | MailOutcome::Automatic | MailOutcome::TooMany => {}
        }
        if !self.attachments.is_empty() {
            let names: Vec<_> = self
                .attachments
                .iter()
                .take(20)
                .map(|n| one_line(n, 100))
                .collect();
            notes.push(format!("Not kept here: {}.", names.join(", ")));
        }
        let text = clean(&self.text);
        let subject = one_line(&self.subject, SUBJECT_CHARS);
        let head = if subject.is_empty() {
            String::new()
        } else {
            format!("{subject}\n\n")
        };
        // The longest tail there can be is kept free, so that no note is cut off.
        let notes_len: usize = notes.iter().map(|n| n.len() + 1).sum();
        let tail = "\n\n[The text goes on. ]".len() + notes_len + place(folder).len();
        let room = MOST_BYTES.saturating_sub(head.len() + tail);
        let kept = cut_at(text.trim(), room);
        if kept.len() < text.trim().len() {
            notes.push("The text goes on.".to_owned());
        }
        let mut words = format!("{head}{kept}").trim().to_owned();
        if !notes.is_empty() {
            if !words.is_empty() {
                words.push_str("\n\n");
            }
            words.push_str(&format!("[{} {}]", notes.join(" "), place(folder)));
        }
        words
    }
}

fn place(folder: &str) -> String {
    format!("The mail is in the folder {folder} of the mailbox.")
}

/// The start of a text that fits into so many bytes.
fn cut_at(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Text without what a page or a database must not be given: control characters, and marks that
/// turn the direction of what follows.
fn clean(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    text.chars().filter(|&c| is_plain(c)).collect()
}

fn is_plain(c: char) -> bool {
    matches!(c, '\n' | '\t')
        || !(c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
}

fn one_line(text: &str, most: usize) -> String {
    let words = clean(text);
    let words: Vec<_> = words.split_whitespace().collect();
    words.join(" ").chars().take(most).collect()
}

/// The ids that stand in a mail, alone or within a link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// Runs.
    pub runs: BTreeSet<RunId>,
    /// Review tasks.
    pub reviews: BTreeSet<ReviewId>,
}

/// Every id of a run or a task in the text.
#[must_use]
pub fn named(text: &str) -> Named {
    let mut found = Named::default();
    for word in text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')) {
        let word = word.to_ascii_lowercase();
        if let Ok(run) = word.parse() {
            found.runs.insert(run);
        } else if let Ok(review) = word.parse() {
            found.reviews.insert(review);
        }
    }
    found
}

/// Words that may be the name of a record: those with a digit, except very short ones. Those of the
/// subject come first; each is named once.
#[must_use]
pub fn record_names(subject: &str, text: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for line in std::iter::once(subject).chain(text.lines()) {
        // What is quoted was said by somebody else, often about another case.
        if line.trim_start().starts_with('>') {
            continue;
        }
        for word in line.split(|c: char| c.is_whitespace() || ",;()[]{}<>\"'“”„".contains(c))
        {
            let word = word.trim_matches(|c: char| !c.is_alphanumeric());
            let fits = (SHORTEST_NAME..=80).contains(&word.len())
                && word.chars().any(|c| c.is_ascii_digit())
                && word.chars().all(is_plain);
            if fits && !names.iter().any(|n| n == word) {
                names.push(word.to_owned());
            }
            if names.len() == MOST_NAMES {
                return names;
            }
        }
    }
    names
}

/// The text holds the name as a word of its own, any case.
#[must_use]
pub fn holds_word(text: &str, name: &str) -> bool {
    let (text, name) = (text.to_lowercase(), name.to_lowercase());
    let is_part = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    !name.is_empty()
        && text.match_indices(&name).any(|(at, _)| {
            !is_part(text[..at].chars().next_back())
                && !is_part(text[at + name.len()..].chars().next())
        })
}

/// The workflow that the address names: `reports+NAME@example.com` for `reports@example.com`. Two names
/// are none.
#[must_use]
pub fn workflow_of(to: &[String], address: &str) -> Option<String> {
    let (local, domain) = address.rsplit_once('@')?;
    let tags: BTreeSet<String> = to
        .iter()
        .filter_map(|a| {
            let (name, place) = a.trim().rsplit_once('@')?;
            let (base, tag) = name.split_once('+')?;
            let ours = base.eq_ignore_ascii_case(local) && place.eq_ignore_ascii_case(domain);
            (ours && !tag.is_empty()).then(|| tag.to_ascii_lowercase())
        })
        .collect();
    let mut tags = tags.into_iter();
    tags.next().filter(|_| tags.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(subject: &str, text: &str) -> Mail {
        Mail {
            readable: true,
            subject: subject.into(),
            text: text.into(),
            ..Mail::default()
        }
    }

    #[test]
    fn ids_are_found_alone_and_in_links_and_nothing_else_is() {
        let run = RunId::new(uuid::Uuid::from_u128(7));
        let review = ReviewId::new(uuid::Uuid::from_u128(9));
        let text =
            format!("see https://ops.example.com/runs/{run}?x=1, or\n({review}). run_7 is none");
        let found = named(&text);
        assert_eq!(found.runs.into_iter().collect::<Vec<_>>(), [run]);
        assert_eq!(found.reviews.into_iter().collect::<Vec<_>>(), [review]);
        assert_eq!(named(&format!("x{run}")), Named::default());
    }

    #[test]
    fn a_record_is_named_by_words_with_a_digit_of_the_writer_and_not_of_a_quote() {
        let names = record_names(
            "Re: wrong answer on [T-30263]",
            "Deal D-17/b. is wrong, as is 'D-17/b'\n> T-99999 was fine\nno 12",
        );
        assert_eq!(names, ["T-30263", "D-17/b"]);
    }

    #[test]
    fn a_name_is_a_word_of_its_own() {
        assert!(holds_word("Order T-12, late", "t-12"));
        assert!(!holds_word("Order T-123, late", "T-12"));
        assert!(!holds_word("XT-12", "T-12"));
        assert!(!holds_word("anything", ""));
    }

    #[test]
    fn the_address_names_one_workflow_or_none() {
        let to = |a: &[&str]| a.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        let ours = "reports@example.com";
        assert_eq!(
            workflow_of(
                &to(&["boss@example.com", "Reports+Deal-Risk@EXAMPLE.com"]),
                ours
            ),
            Some("deal-risk".into())
        );
        for none in [
            to(&["reports@example.com"]),
            to(&["reports+@example.com"]),
            to(&["reports+deal-risk@evil.example"]),
            to(&["other+deal-risk@example.com"]),
            to(&["reports+a@example.com", "reports+b@example.com"]),
        ] {
            assert_eq!(workflow_of(&none, ours), None, "{none:?}");
        }
    }

    #[test]
    fn words_are_clean_fit_and_say_what_is_missing() {
        let words = mail("Bad\r\nanswer", "a\u{0}b\u{202e}c\r\nd").words("taken");
        assert_eq!(words, "Bad answer\n\nabc\nd");
        let long = Mail {
            attachments: vec!["shot\n.png".into()],
            ..mail("Long", &"ä".repeat(9_000))
        };
        let words = long.words("taken");
        assert!(words.len() <= MOST_BYTES, "{}", words.len());
        assert!(words.ends_with(
            "ä\n\n[Not kept here: shot .png. The text goes on. The mail is in the folder taken of the mailbox.]"
        ));
        let empty = mail("", " ");
        assert_eq!(empty.outcome(), MailOutcome::WithoutText);
        assert_eq!(
            empty.words("aside"),
            "[The mail has no text. The mail is in the folder aside of the mailbox.]"
        );
    }

    #[test]
    fn a_sender_is_an_address_and_never_a_handle() {
        let from = |a: &str| Mail {
            from: Some(a.into()),
            ..Mail::default()
        };
        assert_eq!(from("Kim@Example.com").sender(), "kim@example.com");
        assert_eq!(from("rhea").sender(), "a sender without an address");
        assert_eq!(Mail::default().sender(), "a sender without an address");
    }

    #[test]
    fn what_a_machine_sent_is_no_report_whatever_else_is_wrong_with_it() {
        let loops = Mail {
            automatic: true,
            cut: true,
            ..Mail::default()
        };
        assert_eq!(loops.outcome(), MailOutcome::Automatic);
        assert_eq!(Mail::default().outcome(), MailOutcome::Unreadable);
        assert_eq!(mail("s", "t").outcome(), MailOutcome::Reported);
    }
}
