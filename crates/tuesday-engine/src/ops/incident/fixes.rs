//! What closed errors say about where to work: the layer each was fixed in, and whether somebody who
//! writes no code can fix the next one.

use serde::Serialize;
use tuesday_domain::problem::Problem;
use tuesday_domain::time::Timestamp;
use tuesday_domain::trouble::incident::FixLayer;
use tuesday_store::FixCount;

use crate::engine::{Engine, read_problem};

/// Closed errors of one layer, or of all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FixTally {
    /// Incidents that were looked back upon.
    pub incidents: u64,
    /// Problem reports whose output was wrong, without harm.
    pub reports: u64,
    /// Of both: somebody who writes no code can fix the next one.
    pub without_code: u64,
    /// Of both: the next one takes code.
    pub with_code: u64,
    /// Of both: closed before it was asked.
    pub not_said: u64,
}

impl FixTally {
    fn add(&mut self, found: &FixCount) {
        let place = match found.without_code {
            Some(true) => &mut self.without_code,
            Some(false) => &mut self.with_code,
            None => &mut self.not_said,
        };
        *place += found.count;
    }

    const fn is_empty(self) -> bool {
        self.incidents == 0 && self.reports == 0
    }
}

/// One layer of the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FixLine {
    /// The layer; none for errors closed before it was asked.
    pub fixed_in: Option<&'static str>,
    /// Its errors.
    #[serde(flatten)]
    pub tally: FixTally,
}

/// What became of the errors that were closed in a span of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Fixes {
    /// By layer, in their order; those without one last. Layers without an error are left out.
    pub layers: Vec<FixLine>,
    /// All of them.
    pub total: FixTally,
}

impl Engine {
    /// The errors closed from `from` to before `to`, by the layer they were fixed in; `among` are the
    /// workflows the reader may see, absent for all.
    ///
    /// # Errors
    /// `bad_request` for a span that ends before it begins; `unknown_workflow`, `unavailable`.
    pub async fn fixes(
        &self,
        workflow: Option<&str>,
        among: Option<&[String]>,
        span: (Timestamp, Timestamp),
    ) -> Result<Fixes, Problem> {
        if span.0 >= span.1 {
            let words = "the time range ends before it begins";
            return Err(Problem::new("bad_request", words).field("from"));
        }
        if let Some(name) = workflow {
            self.known_workflow(name).await?;
        }
        let reader = &self.0.reader;
        let (incidents, reports) = tokio::try_join!(
            reader.fixed_incidents(workflow, among, span),
            reader.fixed_reports(workflow, among, span)
        )
        .map_err(read_problem)?;
        Ok(tally(&incidents, &reports))
    }
}

fn tally(incidents: &[FixCount], reports: &[FixCount]) -> Fixes {
    let of = |wanted: &dyn Fn(&FixCount) -> bool| {
        let mut tally = FixTally::default();
        for found in incidents.iter().filter(|f| wanted(f)) {
            tally.incidents += found.count;
            tally.add(found);
        }
        for found in reports.iter().filter(|f| wanted(f)) {
            tally.reports += found.count;
            tally.add(found);
        }
        tally
    };
    let places = FixLayer::ALL.iter().map(|l| Some(*l)).chain([None]);
    Fixes {
        layers: places
            .map(|layer| FixLine {
                fixed_in: layer.map(FixLayer::word),
                tally: of(&|f| f.layer == layer),
            })
            .filter(|line| !line.tally.is_empty())
            .collect(),
        total: of(&|_| true),
    }
}

/// The question that closes an error has an answer.
pub(crate) fn answered_without_code(said: Option<bool>) -> Result<bool, Problem> {
    said.ok_or_else(|| {
        let words = "say whether somebody who writes no code can fix the next one";
        Problem::new("fix_not_said", words)
            .field("without_code")
            .way_out("yes: rules, sources, words or people; no: a developer is needed")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_stands_in_one_layer_with_one_answer() {
        let found = |layer, without_code, count| FixCount {
            layer,
            without_code,
            count,
        };
        let rules = Some(FixLayer::Rules);
        let incidents = [found(rules, Some(true), 2), found(rules, None, 1)];
        let reports = [found(None, None, 4), found(rules, Some(false), 3)];
        let all = tally(&incidents, &reports);
        let names: Vec<_> = all.layers.iter().map(|l| l.fixed_in).collect();
        assert_eq!(names, [Some("rules"), None]);
        let expected = FixTally {
            incidents: 3,
            reports: 3,
            without_code: 2,
            with_code: 3,
            not_said: 1,
        };
        assert_eq!(all.layers[0].tally, expected);
        assert_eq!(
            (all.total.incidents, all.total.reports, all.total.not_said),
            (3, 7, 5)
        );
    }
}
