//! What an evaluation answers, complete enough to be stored and explained years later.

use serde::{Deserialize, Serialize};

use super::table::Route;
use super::value::Problem;

/// The answer of the rules for one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// A row matched.
    Hit(Hit),
    /// A value is missing or cannot be compared, so a person must look.
    Person(Person),
}

/// The row that decided, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// Version of the rule set that was asked.
    pub rules_version: u64,
    /// Id of the row that matched.
    pub row: String,
    /// Where the run goes.
    pub route: Route,
    /// Who must look; present exactly when the route is review.
    pub review_tier: Option<String>,
    /// The row's words for people.
    pub reason: Option<String>,
    /// The cells of the row that compare, all matched, left to right.
    pub compared: Vec<Compared>,
    /// The earlier row that came closest to matching.
    pub near_miss: Option<NearMiss>,
}

/// A run that the rules could not judge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Version of the rule set that was asked.
    pub rules_version: u64,
    /// The first row that needed a value it could not have; absent for mistyped values, which
    /// stop the evaluation before the first row.
    pub row: Option<String>,
    /// Every value that stopped the evaluation; never empty.
    pub problems: Vec<Problem>,
    /// The same in one sentence.
    pub reason: String,
}

/// One value held against one cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// Column name.
    pub column: String,
    /// The value, or nothing when it was missing.
    pub value: Option<String>,
    /// The cell as written.
    pub cell: String,
    /// Currency or unit of the column.
    pub unit: Option<String>,
    /// Whether the cell matched.
    pub matched: bool,
    /// The comparison in words, for example `amount 751 is over 750`.
    pub words: String,
}

/// The earlier row that came closest: fewest failed cells, automatic rows first, then the nearest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NearMiss {
    /// Row id.
    pub row: String,
    /// Where that row would have sent the run.
    pub route: Route,
    /// The cells that did not match.
    pub failed: Vec<Compared>,
}

impl Verdict {
    /// Where the run goes. What the rules cannot judge is reviewed.
    #[must_use]
    pub fn route(&self) -> Route {
        match self {
            Self::Hit(hit) => hit.route,
            Self::Person(_) => Route::Review,
        }
    }

    /// Version of the rule set that was asked.
    #[must_use]
    pub fn rules_version(&self) -> u64 {
        match self {
            Self::Hit(hit) => hit.rules_version,
            Self::Person(person) => person.rules_version,
        }
    }

    /// Whether the rules approve without a person.
    #[must_use]
    pub fn is_auto(&self) -> bool {
        self.route() == Route::Auto
    }
}
