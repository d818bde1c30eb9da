//! The quiz about a workflow that does not exist yet: fifteen questions, what blocks it, and where it ranks.
//!
//! Everything here is the word of people, so nothing of it is evidence. What nobody has said is in the way and
//! never counts as good; what is said in the form of a [`Statement`](super::Statement) goes on into the charter.

mod answers;
mod assess;
mod beside;
mod question;
mod rank;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests;

pub use answers::{Answers, Said, is_name};
pub use assess::{Assessment, Blocker, LEAST_CASES, LEAST_MINUTES, OLD_CASES, assess, hours_words};
pub use beside::{Beside, beside};
pub use question::{Area, Choice, Kind, MOST_QUESTIONS, Question};
pub use rank::{FEW, Group, Ranked, rank};
