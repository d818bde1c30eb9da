//! What somebody is paid for, as far as records tell: a model, a source or a destination of the package. It is
//! said outright in the words of a cost (`source:crm`), or the vendor is called as the thing is. What neither
//! says cannot be told, and is never taken for something that delivers.

use serde::Serialize;

use crate::words::words;

words! {
    /// What kind of thing of a package.
    Part {
        /// Whoever answers for the model.
        Model = "model",
        /// What is read.
        Source = "source",
        /// What is written to.
        Destination = "destination",
    }
}

words! {
    /// What is known about what a vendor delivers.
    Delivers {
        /// Nothing of it was confirmed.
        Nothing = "nothing",
        /// Nobody can tell.
        CannotBeTold = "cannot_be_told",
    }
}

/// A thing of a package that somebody can be paid for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct PaidPart {
    /// Its kind.
    pub part: Part,
    /// Its name in the package; of a model, who answers for it.
    pub name: String,
}

/// A thing with all it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The thing.
    pub paid: PaidPart,
    /// Other names: the system in people's words, the pin of a model.
    pub also: Vec<String>,
}

fn same(a: &str, b: &str) -> bool {
    a.trim().to_lowercase() == b.trim().to_lowercase()
}

impl Known {
    fn is_called(&self, name: &str) -> bool {
        same(&self.paid.name, name) || self.also.iter().any(|a| same(a, name))
    }
}

/// `source:crm` in a text; `connector:` is a source or a destination.
fn marks(text: &str) -> impl Iterator<Item = (&str, &[Part], &str)> {
    let each = text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '(' | ')'));
    each.filter_map(|token| {
        let (kind, name) = token.split_once(':')?;
        let parts: &[Part] = match kind.to_lowercase().as_str() {
            "model" => &[Part::Model],
            "source" => &[Part::Source],
            "destination" => &[Part::Destination],
            "connector" => &[Part::Source, Part::Destination],
            _ => return None,
        };
        let name = name.trim_end_matches('.');
        (!name.is_empty()).then_some((token, parts, name))
    })
}

/// What a cost is for: `vendor` is paid, `texts` are the words of the entry and what the package says that the
/// vendor provides.
///
/// # Errors
/// Why it cannot be told.
pub fn paid_for(vendor: &str, texts: &[&str], known: &[Known]) -> Result<Vec<PaidPart>, String> {
    let mut found: Vec<PaidPart> = Vec::new();
    let mut marked = false;
    for (token, parts, name) in texts.iter().flat_map(|t| marks(t)) {
        marked = true;
        let before = found.len();
        let own = |k: &&Known| parts.contains(&k.paid.part) && k.is_called(name);
        found.extend(known.iter().filter(own).map(|k| k.paid.clone()));
        if found.len() == before {
            return Err(format!("it is for {token}, which no release has"));
        }
    }
    if !marked {
        let names = std::iter::once(&vendor).chain(texts);
        for name in names {
            let own = known.iter().filter(|k| k.is_called(name));
            found.extend(own.map(|k| k.paid.clone()));
        }
    }
    found.sort();
    found.dedup();
    if found.is_empty() {
        return Err(
            "nothing says what it is for: name it in the words of the cost, such as source:NAME, \
             destination:NAME or model:NAME"
                .to_owned(),
        );
    }
    Ok(found)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    fn known() -> Vec<Known> {
        let of = |part, name: &str, also: &str| Known {
            paid: PaidPart {
                part,
                name: name.to_owned(),
            },
            also: vec![also.to_owned()],
        };
        vec![
            of(Part::Model, "acme-ai", "acme-1"),
            of(Part::Source, "crm", "Customer House"),
            of(Part::Destination, "crm", "Customer House"),
            of(Part::Destination, "ticket", "Desk"),
        ]
    }

    fn told(vendor: &str, texts: &[&str]) -> Result<Vec<String>, String> {
        let found = paid_for(vendor, texts, &known())?;
        Ok(found
            .iter()
            .map(|p| format!("{} {}", p.part, p.name))
            .collect())
    }

    #[test]
    fn words_name_what_a_cost_is_for() {
        let found = told("Rack House", &["yearly licence (source:CRM), per seat"]);
        assert_eq!(found, Ok(vec!["source crm".to_owned()]));
        let found = told("Rack House", &["connector:crm."]);
        assert_eq!(
            found,
            Ok(vec!["source crm".to_owned(), "destination crm".to_owned()])
        );
        let found = told("Rack House", &["licence", "destination:ticket"]);
        assert_eq!(found, Ok(vec!["destination ticket".to_owned()]));
        // What is said outright wins over what the vendor is called.
        let found = told("Desk", &["model:acme-1"]);
        assert_eq!(found, Ok(vec!["model acme-ai".to_owned()]));
    }

    #[test]
    fn a_vendor_may_be_called_as_its_thing() {
        assert_eq!(
            told("ACME-AI", &["calls"]),
            Ok(vec!["model acme-ai".into()])
        );
        assert_eq!(
            told("Rack House", &["licence", "Desk"]),
            Ok(vec!["destination ticket".into()])
        );
    }

    #[test]
    fn what_nothing_names_cannot_be_told() {
        let why = told("Rack House", &["a ticket system for the crm"]).unwrap_err();
        assert!(why.contains("nothing says what it is for"), "{why}");
        let why = told("Desk", &["source:erp"]).unwrap_err();
        assert_eq!(why, "it is for source:erp, which no release has");
        assert!(told("Rack House", &["source: see https://e.org"]).is_err());
    }
}
