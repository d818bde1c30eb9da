//! Whom outside the workflow depends on: every contract has an end and somebody inside who answers for it, and nobody
//! from outside is the only one who answers for the workflow.

use std::collections::BTreeSet;

use super::super::Definition;
use super::Lint;
use crate::time::parse_day;

impl Lint<'_> {
    pub(super) fn vendors(&mut self, def: &Definition) {
        let owners = &def.owners;
        let people = owners.people();
        let declared: BTreeSet<&str> = def.vendor.iter().map(|v| v.name.as_str()).collect();
        for person in &people {
            let Some(vendor) = &person.vendor else {
                continue;
            };
            if !declared.contains(vendor.as_str()) {
                self.add(
                    &person.handle,
                    "unknown_vendor",
                    &format!(
                        "`{}` works for `{vendor}`, which has no [[vendor]]",
                        person.handle
                    ),
                    "declare its contract under [[vendor]]",
                );
            }
        }
        let outside = |handle: &str| {
            let found = people.iter().find(|p| p.handle == handle);
            found.is_some_and(|p| p.vendor.is_some())
        };
        if outside(&owners.operator.handle) && outside(&owners.backup.handle) {
            self.add(
                &owners.operator.handle,
                "vendor_only_owner",
                "only people of a vendor answer for the workflow: it ends with their contract",
                "name somebody inside as operator or as backup",
            );
        }
        for (i, v) in def.vendor.iter().enumerate() {
            if v.name.trim().is_empty() || def.vendor.iter().take(i).any(|o| o.name == v.name) {
                self.add(
                    "[[vendor]]",
                    "bad_vendor",
                    &format!("the vendor `{}` has no name of its own", v.name),
                    "give each vendor one entry with a name",
                );
            }
            if parse_day(&v.contract_ends).is_err() {
                self.add(
                    &v.name,
                    "bad_day",
                    &format!(
                        "contract_ends of `{}` is not a day: `{}`",
                        v.name, v.contract_ends
                    ),
                    "write it as 2027-03-31",
                );
            }
            let inside = people
                .iter()
                .any(|p| p.handle == v.owner && p.vendor.is_none());
            if !inside {
                self.add(
                    &v.name,
                    "vendor_without_inside_owner",
                    &format!("`{}` does not answer for `{}` from inside", v.owner, v.name),
                    "name a person of [owners] who works for no vendor",
                );
            }
        }
    }
}
