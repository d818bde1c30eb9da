//! The fourth prompt against one kind of error. An error that came back after three rewrites of the
//! prompt is not in the prompt: the next release that changes only the prompt is stopped until somebody
//! says where the fix is, or why the prompt is tried once more.

use super::layers::{self, Layers};
use crate::time::Timestamp;
use crate::trouble::Category;
use crate::trouble::incident::FixLayer;

/// So many rewrites of the prompt, each followed by the same error, are enough.
pub const ENOUGH: usize = 3;

/// Layers in which a fix may be classed. A prompt is what was tried; a model and a platform are no
/// work on the case.
pub const CLASSES: [FixLayer; 4] = [
    FixLayer::Input,
    FixLayer::Rules,
    FixLayer::Connector,
    FixLayer::Process,
];

/// An earlier release that cited the same category of error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cited {
    /// Its number.
    pub number: u32,
    /// In which layers it differed from the release before it.
    pub layers: Layers,
    /// When it went live; one that never did has tried nothing.
    pub live_at: Option<Timestamp>,
    /// The first error of the category after that.
    pub again_at: Option<Timestamp>,
}

/// What a release that cites a category is judged by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// The category: of incidents, of problem reports, or a reason of reviewers.
    pub category: String,
    /// In which layers it differs from the live release.
    pub layers: Layers,
    /// Those that cited the category before, in any order.
    pub earlier: Vec<Cited>,
    /// Somebody else classed the fix or waived: who and why, in words.
    pub excuse: Option<String>,
}

/// Rewrites of the prompt that were each followed by the same error while they were the last answer to
/// it, in the order in which they went live. Work in another layer begins the count anew.
#[must_use]
pub fn failed(earlier: &[Cited]) -> Vec<&Cited> {
    let mut live: Vec<(&Cited, Timestamp)> = earlier
        .iter()
        .filter_map(|c| Some((c, c.live_at?)))
        .collect();
    live.sort_by_key(|(c, at)| (*at, c.number));
    let mut failed = Vec::new();
    for (i, (cited, _)) in live.iter().enumerate() {
        if !layers::prompt_only(&cited.layers) {
            if !cited.layers.is_empty() {
                failed.clear();
            }
            continue;
        }
        let until = live.get(i + 1).map(|(_, at)| *at);
        let again = cited.again_at;
        if again.is_some_and(|at| until.is_none_or(|u| at < u)) {
            failed.push(*cited);
        }
    }
    failed
}

impl Answers {
    /// Why this release is stopped, in words; nothing when it may go on.
    #[must_use]
    pub fn stopped(&self) -> Option<String> {
        let failed = failed(&self.earlier);
        if self.excuse.is_some() || !layers::prompt_only(&self.layers) || failed.len() < ENOUGH {
            return None;
        }
        let last = failed.split_at(failed.len() - ENOUGH).1;
        let told: Vec<String> = last.iter().map(|c| told(c)).collect();
        Some(format!(
            "the releases {} changed only the prompt against {}, and it came back after each; this one would be the \
             next. Look into {}; somebody else classes the fix (release class ID --layer LAYER) or waives with a \
             reason (release waive ID)",
            told.join(", "),
            self.category,
            suggested(&self.category)
        ))
    }

    /// What would have stopped it, had nobody excused it.
    #[must_use]
    pub fn excused(&self) -> Option<String> {
        let excuse = self.excuse.as_ref()?;
        let bare = Self {
            excuse: None,
            ..self.clone()
        };
        bare.stopped().map(|_| excuse.clone())
    }
}

fn told(c: &Cited) -> String {
    let minute = |t: Option<Timestamp>| {
        t.map(|t| t.rfc3339().chars().take(16).collect::<String>())
            .unwrap_or_default()
            .replace('T', " ")
    };
    format!(
        "{} (live {}, again {})",
        c.number,
        minute(c.live_at),
        minute(c.again_at)
    )
}

/// Where such an error most likely comes from, in the words of people who look for it.
#[must_use]
pub fn suggested(category: &str) -> &'static str {
    use Category as C;
    match category.parse::<Category>() {
        Ok(C::SourceOutage | C::TriggerSilent) => {
            "the input: a source, its mapping or its freshness"
        }
        Ok(
            C::ConnectorFailing
            | C::DestinationOutage
            | C::RecordMissing
            | C::RecordChanged
            | C::CredentialRefused,
        ) => "the connector: what the destination takes and what it keeps",
        Ok(C::DeliveryLate | C::BacklogGrowing | C::StuckWork) => {
            "the process: who does the work, when, and how much of it"
        }
        Ok(C::DataExposed | C::GuardBroken) => "the rules: what may go where, and who is asked",
        _ => {
            "the input first (does the case hold what the answer needs?), then the rules (may it be decided so?), \
             then source and workflow"
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn at(hours: u64) -> Timestamp {
        Timestamp::default().plus(Duration::from_secs(hours * 3_600))
    }

    fn only(layer: FixLayer) -> Layers {
        Layers::from([layer])
    }

    /// Live at that hour, the error again at that one.
    fn rewrite(number: u32, live: u64, again: Option<u64>) -> Cited {
        Cited {
            number,
            layers: only(FixLayer::Prompt),
            live_at: Some(at(live)),
            again_at: again.map(at),
        }
    }

    fn answers(earlier: Vec<Cited>) -> Answers {
        Answers {
            category: "wrong_tier".into(),
            layers: only(FixLayer::Prompt),
            earlier,
            excuse: None,
        }
    }

    fn three() -> Vec<Cited> {
        vec![
            rewrite(2, 0, Some(5)),
            rewrite(3, 10, Some(15)),
            rewrite(5, 20, Some(25)),
        ]
    }

    #[test]
    fn the_fourth_is_stopped_with_the_three_named() {
        let words = answers(three()).stopped().unwrap_or_default();
        assert!(
            words
                .starts_with("the releases 2 (live 1970-01-01 00:00, again 1970-01-01 05:00), 3 (")
                && words.contains("5 (live 1970-01-01 20:00, again 1970-01-02 01:00)")
                && words.contains("wrong_tier")
                && words.contains("the input first"),
            "{words}"
        );
        assert_eq!(answers(three()[..2].to_vec()).stopped(), None);
    }

    #[test]
    fn only_a_prompt_that_the_error_outlived_counts() {
        // It came back only after the next answer: that one is to blame.
        let mut late = three();
        late[1].again_at = Some(at(21));
        assert_eq!(answers(late).stopped(), None);
        // One that never went live has tried nothing.
        let mut draft = three();
        draft[2].live_at = None;
        assert_eq!(answers(draft).stopped(), None);
        // Work in another layer in between begins the count anew; a change of nothing does not.
        let mut mixed = three();
        mixed.push(Cited {
            layers: Layers::from([FixLayer::Prompt, FixLayer::Input]),
            ..rewrite(4, 17, Some(19))
        });
        assert_eq!(answers(mixed.clone()).stopped(), None);
        mixed[3].layers = Layers::new();
        assert!(answers(mixed).stopped().is_some());
    }

    #[test]
    fn another_layer_an_excuse_or_nothing_goes_on() {
        let mut other = answers(three());
        other.layers.insert(FixLayer::Rules);
        assert_eq!(other.stopped(), None);
        let mut excused = answers(three());
        excused.excuse = Some("waived by boris: one word was missing".into());
        assert_eq!(excused.stopped(), None);
        assert_eq!(excused.excused(), excused.excuse);
        assert_eq!(answers(Vec::new()).stopped(), None);
    }

    fn any_cited() -> impl Strategy<Value = Cited> {
        (
            1_u32..50,
            proptest::collection::btree_set(0_usize..FixLayer::ALL.len(), 0..3),
            proptest::option::of(0_u64..100),
            proptest::option::of(0_u64..100),
        )
            .prop_map(|(number, layers, live, again)| Cited {
                number,
                layers: layers.into_iter().map(|i| FixLayer::ALL[i]).collect(),
                live_at: live.map(at),
                again_at: again.map(at),
            })
    }

    proptest! {
        /// However long the history: a stop needs three rewrites that are prompt only, were live and
        /// were followed by the error, and none of them lies before work in another layer.
        #[test]
        fn a_stop_always_rests_on_three(
            earlier in proptest::collection::vec(any_cited(), 0..12), shuffle in any::<u64>(),
        ) {
            let all = answers(earlier.clone());
            let failed = failed(&all.earlier);
            prop_assert_eq!(all.stopped().is_some(), failed.len() >= ENOUGH);
            for c in &failed {
                prop_assert!(layers::prompt_only(&c.layers));
                prop_assert!(c.live_at.is_some() && c.again_at.is_some());
                let after = earlier.iter().filter(|o| o.live_at > c.live_at);
                prop_assert!(after.clone().all(|o| o.layers.is_empty() || layers::prompt_only(&o.layers)));
            }
            // The order in which they are read from the store does not matter.
            let mut turned = earlier;
            if !turned.is_empty() {
                let by = usize::try_from(shuffle % turned.len() as u64).unwrap_or(0);
                turned.rotate_left(by);
            }
            prop_assert_eq!(answers(turned).stopped().is_some(), all.stopped().is_some());
        }

        /// Nothing but a prompt is ever stopped, and an excuse always lifts the stop.
        #[test]
        fn another_layer_is_never_stopped(
            earlier in proptest::collection::vec(any_cited(), 0..12), layer in 0_usize..FixLayer::ALL.len(),
        ) {
            let mut one = answers(earlier);
            one.layers.insert(FixLayer::ALL[layer]);
            if FixLayer::ALL[layer] != FixLayer::Prompt {
                prop_assert_eq!(one.stopped(), None);
            }
            one.excuse = Some("waived".into());
            prop_assert_eq!(one.stopped(), None);
        }
    }
}
