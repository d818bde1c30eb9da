//! The difference between two JSON texts, small and exact: applied to the first it gives the second.
//!
//! What is kept of an override is this and not only the two texts, so that a reader sees what a
//! person changed. Paths are JSON pointers (RFC 6901); texts are cut to the part that differs.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One step from the first text to the second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Edit {
    /// The value at this place is now this one.
    Set {
        /// Where.
        path: String,
        /// The new value.
        value: Value,
    },
    /// The member is gone.
    Remove {
        /// Where.
        path: String,
    },
    /// Part of a text was replaced.
    Splice {
        /// Where.
        path: String,
        /// Characters before the part.
        at: usize,
        /// What stood there.
        removed: String,
        /// What stands there now.
        inserted: String,
    },
}

/// What leads from `from` to `to`.
#[must_use]
pub fn diff(from: &Value, to: &Value) -> Vec<Edit> {
    let mut out = Vec::new();
    walk(String::new(), from, to, &mut out);
    out
}

fn walk(path: String, from: &Value, to: &Value, out: &mut Vec<Edit>) {
    match (from, to) {
        (a, b) if a == b => {}
        (Value::Object(a), Value::Object(b)) => {
            for (name, old) in a {
                let here = format!("{path}/{}", escape(name));
                match b.get(name) {
                    Some(new) => walk(here, old, new, out),
                    None => out.push(Edit::Remove { path: here }),
                }
            }
            for (name, new) in b.iter().filter(|(name, _)| !a.contains_key(*name)) {
                out.push(Edit::Set {
                    path: format!("{path}/{}", escape(name)),
                    value: new.clone(),
                });
            }
        }
        (Value::String(a), Value::String(b)) => out.push(splice(path, a, b)),
        (_, new) => out.push(Edit::Set {
            path,
            value: new.clone(),
        }),
    }
}

fn splice(path: String, from: &str, to: &str) -> Edit {
    let (a, b): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let at = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let tail = a[at..]
        .iter()
        .rev()
        .zip(b[at..].iter().rev())
        .take_while(|(x, y)| x == y)
        .count();
    Edit::Splice {
        path,
        at,
        removed: a[at..a.len() - tail].iter().collect(),
        inserted: b[at..b.len() - tail].iter().collect(),
    }
}

fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Applies the steps; `None` when they do not fit the text.
#[must_use]
pub fn apply(from: &Value, edits: &[Edit]) -> Option<Value> {
    let mut value = from.clone();
    for edit in edits {
        match edit {
            Edit::Set { path, value: new } => match value.pointer_mut(path) {
                Some(place) => *place = new.clone(),
                None => {
                    let (object, name) = parent(&mut value, path)?;
                    object.insert(name, new.clone());
                }
            },
            Edit::Remove { path } => {
                let (object, name) = parent(&mut value, path)?;
                object.remove(&name)?;
            }
            Edit::Splice {
                path,
                at,
                removed,
                inserted,
            } => {
                let place = value.pointer_mut(path)?;
                let text: Vec<char> = place.as_str()?.chars().collect();
                let end = at.checked_add(removed.chars().count())?;
                if text.get(*at..end)?.iter().collect::<String>() != *removed {
                    return None;
                }
                let mut new: String = text[..*at].iter().collect();
                new.push_str(inserted);
                new.extend(&text[end..]);
                *place = Value::String(new);
            }
        }
    }
    Some(value)
}

fn parent<'a>(
    value: &'a mut Value,
    path: &str,
) -> Option<(&'a mut serde_json::Map<String, Value>, String)> {
    let (above, name) = path.rsplit_once('/')?;
    let name = name.replace("~1", "/").replace("~0", "~");
    Some((value.pointer_mut(above)?.as_object_mut()?, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::from),
            "[aäb/~ ]{0,6}".prop_map(Value::String),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                proptest::collection::btree_map("[ab/~]{1,2}", inner, 0..4)
                    .prop_map(|m| Value::Object(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_difference_gives_the_second_text_from_the_first(a in any_json(), b in any_json()) {
            let edits = diff(&a, &b);
            prop_assert_eq!(apply(&a, &edits), Some(b.clone()));
            prop_assert_eq!(edits.is_empty(), a == b);
        }
    }

    #[test]
    fn a_changed_word_is_only_that_word() {
        let edits = diff(
            &json!({"text": "We pay on Monday.", "kind": "x"}),
            &json!({"text": "We pay on Friday.", "kind": "x"}),
        );
        let splice = Edit::Splice {
            path: "/text".into(),
            at: 10,
            removed: "Mon".into(),
            inserted: "Fri".into(),
        };
        assert_eq!(edits, [splice]);
    }

    #[test]
    fn steps_that_do_not_fit_are_refused() {
        let edits = diff(&json!({"text": "one"}), &json!({"text": "two"}));
        assert_eq!(apply(&json!({"text": "six"}), &edits), None);
        assert_eq!(apply(&json!({}), &edits), None);
    }
}
