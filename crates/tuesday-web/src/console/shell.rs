//! What every page has around it: who is signed in, where one can go, how it looks.

use crate::assets::Links;

/// The frame of a page.
#[derive(Clone, Default)]
pub(crate) struct Shell {
    pub(crate) title: String,
    /// Which entry of the main navigation is current.
    pub(crate) here: &'static str,
    /// Path and query of this page, to come back to.
    pub(crate) path: String,
    /// `light` or `dark` when the person chose; otherwise the system's choice holds.
    pub(crate) theme: Option<&'static str>,
    pub(crate) who: Option<Who>,
    /// Which parts of the navigation are offered.
    pub(crate) sees: Sees,
    pub(crate) csrf: String,
    /// Open review tasks, in words.
    pub(crate) waiting: Option<String>,
    pub(crate) workflows: Vec<WorkflowLink>,
    /// Name of the workflow the page is about.
    pub(crate) workflow: Option<String>,
    pub(crate) assets: Links,
    pub(crate) demo: bool,
    /// One sentence about what just happened.
    pub(crate) flash: Option<String>,
    /// Systems that are away, each with its incident.
    pub(crate) away: Vec<AwayLine>,
}

/// A system that is away.
#[derive(Clone)]
pub(crate) struct AwayLine {
    /// Its incident.
    pub(crate) incident: String,
    /// What is away, since when.
    pub(crate) words: String,
    /// What happens meanwhile, a sentence for each workflow that needs it.
    pub(crate) meanwhile: Vec<String>,
}

/// What the person's roles offer.
#[derive(Clone, Copy, Default)]
pub(crate) struct Sees {
    pub(crate) work: bool,
    pub(crate) audit: bool,
    pub(crate) people: bool,
}

/// The person signed in.
#[derive(Clone)]
pub(crate) struct Who {
    pub(crate) handle: String,
    pub(crate) name: String,
    pub(crate) initials: String,
}

/// A workflow in the switcher.
#[derive(Clone)]
pub(crate) struct WorkflowLink {
    pub(crate) name: String,
    pub(crate) title: String,
    /// What it may be called.
    pub(crate) label: &'static str,
    /// How loud that is said.
    pub(crate) label_tone: &'static str,
}

/// An entry of the main navigation.
pub(crate) struct Place {
    /// Word that a page gives as its own place.
    pub(crate) here: &'static str,
    pub(crate) href: &'static str,
    pub(crate) words: &'static str,
    /// The letter after G that leads there.
    pub(crate) key: &'static str,
}

/// Everywhere one can go, in the order of the bar.
const PLACES: &[Place] = &[
    Place {
        here: "queue",
        href: "/queue",
        words: "Review",
        key: "q",
    },
    Place {
        here: "handoffs",
        href: "/handoffs",
        words: "Handoffs",
        key: "o",
    },
    Place {
        here: "runs",
        href: "/runs",
        words: "Runs",
        key: "r",
    },
    Place {
        here: "workflows",
        href: "/workflows",
        words: "Workflows",
        key: "w",
    },
    Place {
        here: "hub",
        href: "/hub",
        words: "Hub",
        key: "h",
    },
    Place {
        here: "intake",
        href: "/intake",
        words: "Intake",
        key: "i",
    },
    Place {
        here: "incidents",
        href: "/incidents",
        words: "Incidents",
        key: "n",
    },
    Place {
        here: "problems",
        href: "/problem-reports",
        words: "Problems",
        key: "b",
    },
    Place {
        here: "audit",
        href: "/audit",
        words: "Audit",
        key: "l",
    },
    Place {
        here: "people",
        href: "/people",
        words: "People",
        key: "p",
    },
];

/// A choice of how pages look.
pub(crate) struct Look {
    pub(crate) value: &'static str,
    pub(crate) words: &'static str,
    pub(crate) on: bool,
}

impl Shell {
    /// What the switcher shows.
    pub(crate) fn workflow_title(&self) -> &str {
        let chosen = self.workflow.as_deref();
        self.workflows
            .iter()
            .find(|w| Some(w.name.as_str()) == chosen)
            .map_or("All workflows", |w| &w.title)
    }

    /// What the workflow of the page may be called: it stands on every page about it.
    pub(crate) fn label(&self) -> Option<&WorkflowLink> {
        let chosen = self.workflow.as_deref();
        self.workflows
            .iter()
            .find(|w| Some(w.name.as_str()) == chosen)
    }

    /// Where this person may go.
    pub(crate) fn places(&self) -> impl Iterator<Item = &'static Place> + '_ {
        PLACES.iter().filter(|p| match p.here {
            "audit" => self.sees.audit,
            "people" => self.sees.people,
            _ => self.sees.work,
        })
    }

    /// Whether the page is about this workflow.
    pub(crate) fn is_at(&self, name: &str) -> bool {
        self.workflow.as_deref() == Some(name)
    }

    /// The three looks, the current one marked.
    pub(crate) fn looks(&self) -> [Look; 3] {
        let look = |value, words, is: Option<&str>| Look {
            value,
            words,
            on: self.theme == is,
        };
        [
            look("system", "As the system", None),
            look("light", "Light", Some("light")),
            look("dark", "Dark", Some("dark")),
        ]
    }
}

/// First letters of the first and the last word.
pub(crate) fn initials(name: &str) -> String {
    let mut words = name.split_whitespace().filter_map(|w| w.chars().next());
    let first = words.next();
    first
        .into_iter()
        .chain(words.next_back())
        .flat_map(char::to_uppercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_of_short_and_long_names() {
        assert_eq!(initials("Dana Whitfield"), "DW");
        assert_eq!(initials("Ana María de la Cruz"), "AC");
        assert_eq!(initials("idris"), "I");
        assert_eq!(initials(""), "");
    }
}
