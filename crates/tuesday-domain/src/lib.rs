//! The centre of `tuesday`: nouns and decisions.
//!
//! No clock, no input or output, no randomness, no async runtime, no database, no HTTP. Whatever a
//! function needs to know arrives as an argument; whatever should happen is returned as data.

pub mod access;
pub mod action;
pub mod actor;
pub mod adoption;
pub mod audit;
pub mod capacity;
pub mod charter;
pub mod credential;
pub mod decide;
pub mod definition;
pub mod diff;
pub mod drift;
pub mod eval;
pub mod facts;
pub mod id;
pub mod json;
pub mod ledger;
pub mod mailbox;
pub mod mask;
pub mod outlet;
pub mod oversight;
pub mod password;
pub mod port;
pub mod postmortem;
pub mod privacy;
pub mod problem;
pub mod prompt;
pub mod ready;
pub mod recheck;
pub mod record;
pub mod release;
pub mod reroute;
pub mod retry;
pub mod review;
pub mod route;
pub mod rules;
pub mod run;
pub mod schedule;
pub mod schema;
pub mod scope;
pub mod seeding;
pub mod settling;
pub mod shadow;
pub mod signature;
pub mod snapshot;
pub mod story;
pub mod time;
pub mod trouble;
pub mod validation;
pub mod veil;
pub mod watch;
pub mod words;
pub mod workflow;
