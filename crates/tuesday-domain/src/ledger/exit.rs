//! What leaving a vendor would take: what is bound to it, and how many days of work that is. Days are an
//! estimate from what is bound unless somebody gave a better one; what was not tried is called untested.

use serde::{Deserialize, Serialize};

use crate::outlet::{Outlet, OutletKind, outlets};
use crate::ready::Ready;
use crate::words::words;

words! {
    /// What is bound to a vendor.
    BoundKind {
        /// A pinned model with the prompt that was written for it.
        Model = "model",
        /// An action that writes to it, with its mapped fields.
        Action = "action",
        /// A source that is read from it, with its declared fields.
        Source = "source",
        /// A credential.
        Credential = "credential",
    }
}

/// One thing that would have to be made anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bound {
    /// What it is.
    pub kind: BoundKind,
    /// Its name in the package.
    pub name: String,
    /// How much of it there is: fields that are sent or read.
    pub fields: u64,
}

/// A vendor with everything that is bound to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BoundVendor {
    /// In the words of the package: the provider of the model, or a system.
    pub vendor: String,
    /// What is bound.
    pub bound: Vec<Bound>,
}

/// Days of work, in tenths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayRange {
    /// At least.
    pub low_tenths: u32,
    /// At most.
    pub high_tenths: u32,
}

/// Tenths of a day for each thing, at least and at most. A model that was tried needs no search any more.
const fn effort(kind: BoundKind, tested: bool) -> (u32, u32) {
    match (kind, tested) {
        (BoundKind::Model, false) => (20, 100),
        (BoundKind::Model, true) => (5, 20),
        (BoundKind::Action, _) => (5, 30),
        (BoundKind::Source, _) => (5, 20),
        (BoundKind::Credential, _) => (1, 5),
    }
}

/// Tenths of a day for each field that is mapped.
const FIELD: (u32, u32) = (0, 1);

impl BoundVendor {
    /// The days that what is bound would take.
    #[must_use]
    pub fn days(&self, tested: bool) -> DayRange {
        let mut sum = DayRange {
            low_tenths: 0,
            high_tenths: 0,
        };
        for b in &self.bound {
            let (low, high) = effort(b.kind, tested);
            let fields = u32::try_from(b.fields).unwrap_or(u32::MAX);
            let more = |each: u32| each.saturating_mul(fields);
            sum.low_tenths = sum
                .low_tenths
                .saturating_add(low)
                .saturating_add(more(FIELD.0));
            sum.high_tenths = sum
                .high_tenths
                .saturating_add(high)
                .saturating_add(more(FIELD.1));
        }
        sum
    }

    /// The model of the release comes from it.
    #[must_use]
    pub fn has_model(&self) -> bool {
        self.bound.iter().any(|b| b.kind == BoundKind::Model)
    }
}

/// Every vendor of a release, the model's first; what stays in this process or in a file beside it has none.
#[must_use]
pub fn vendors(ready: &Ready, provider: &str) -> Vec<BoundVendor> {
    let mut all: Vec<BoundVendor> = Vec::new();
    for outlet in outlets(ready).iter().filter(|o| o.outside) {
        let vendor = match outlet.kind {
            OutletKind::Model => provider,
            OutletKind::Destination | OutletKind::Source => &outlet.system,
        };
        let at = match all.iter().position(|v| v.vendor == vendor) {
            Some(at) => at,
            None => {
                all.push(BoundVendor {
                    vendor: vendor.to_owned(),
                    bound: Vec::new(),
                });
                all.len() - 1
            }
        };
        all[at].bound.push(bound(ready, outlet));
        let secret = outlet.secret.as_ref();
        let known = |name: &String| all[at].bound.iter().any(|b| b.name == *name);
        if let Some(name) = secret.filter(|name| !known(name)) {
            all[at].bound.push(Bound {
                kind: BoundKind::Credential,
                name: name.clone(),
                fields: 0,
            });
        }
    }
    all
}

fn bound(ready: &Ready, outlet: &Outlet) -> Bound {
    let sent = outlet.fields.len() as u64;
    let (kind, name, fields) = match outlet.kind {
        OutletKind::Model => (BoundKind::Model, ready.model.pin.clone(), 0),
        OutletKind::Destination => (BoundKind::Action, outlet.name.clone(), sent),
        OutletKind::Source => {
            let own = ready.def.source.iter().find(|s| s.name == outlet.name);
            let read = own.map_or(0, |s| s.fields.len() as u64);
            (BoundKind::Source, outlet.name.clone(), read)
        }
    };
    Bound { kind, name, fields }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thing(kind: BoundKind, fields: u64) -> Bound {
        Bound {
            kind,
            name: "x".into(),
            fields,
        }
    }

    #[test]
    fn days_grow_with_what_is_bound_and_shrink_with_what_was_tried() {
        let vendor = BoundVendor {
            vendor: "acme".into(),
            bound: vec![
                thing(BoundKind::Model, 0),
                thing(BoundKind::Action, 4),
                thing(BoundKind::Credential, 0),
            ],
        };
        let days = |tested| {
            let d = vendor.days(tested);
            (d.low_tenths, d.high_tenths)
        };
        assert_eq!(days(false), (26, 139));
        assert_eq!(days(true), (11, 59));
        assert!(vendor.has_model());
    }
}
