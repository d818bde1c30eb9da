//! A workflow-to-be: a name, and what people said about it in the quiz.

use crate::time::Timestamp;
use crate::words::words;

words! {
    /// Whether a candidate is still one.
    CandidateState {
        /// It is ranked.
        Open = "open",
        /// Somebody dropped it; its answers are gone.
        Dropped = "dropped",
    }
}

/// A workflow-to-be. The name stays taken by the row also after it was dropped, so that a version never counts twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The name that the workflow would have.
    pub name: String,
    /// Whether it is still one.
    pub state: CandidateState,
    /// As people read it.
    pub title: String,
    /// The answers with who gave them, as JSON.
    pub answers: String,
    /// Handle of the person who put it forward.
    pub proposed_by: String,
    /// When.
    pub proposed_at: Timestamp,
    /// Handle of the person who changed it last.
    pub changed_by: String,
    /// When.
    pub changed_at: Timestamp,
    /// Grows by one with every change, from 1.
    pub version: u32,
}

/// A change of one of these rows.
#[derive(Clone, Debug)]
pub enum CandidateChange {
    /// It was put forward.
    Insert(Candidate),
    /// It was answered, dropped, or put forward again.
    Update(Candidate),
}
