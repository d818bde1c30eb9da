//! The changes around review tasks: which table each of them writes.

use tuesday_domain::record::DeskChange;

use crate::change::Verb;
use crate::value::Param;
use crate::{duties, oversight, problems, queue};

/// Binds the values of a change and says what is done with them.
pub(crate) fn bind<'a>(change: &'a DeskChange, out: &mut Vec<Param<'a>>) -> Verb {
    match change {
        DeskChange::PutPriority(p) => {
            queue::bind_priority(p, out);
            Verb::Put(&queue::PRIORITIES)
        }
        DeskChange::PutView(v) => {
            queue::bind_view(v, out);
            Verb::Put(&queue::VIEWS)
        }
        DeskChange::DropView { person, name } => {
            out.extend([Param::Text(person), Param::Text(name)]);
            Verb::One(queue::DROP_VIEW)
        }
        DeskChange::PutRead(r) => {
            oversight::bind_read(r, out);
            Verb::Put(&oversight::READS)
        }
        DeskChange::PutVisit(v) => {
            oversight::bind_visit(v, out);
            Verb::Put(&oversight::VISITS)
        }
        DeskChange::RenewClaim { review, by, until } => {
            out.extend([
                Param::Int(until.micros()),
                Param::Id(review.uuid()),
                Param::Text(by),
            ]);
            Verb::One(crate::reviews::RENEW)
        }
        DeskChange::InsertSecondLook(l) => {
            oversight::bind_look(l, out);
            Verb::Insert(&oversight::LOOKS)
        }
        DeskChange::UpdateSecondLook(l) => {
            oversight::bind_look(l, out);
            Verb::Update(&oversight::LOOKS)
        }
        DeskChange::InsertSeed(s) => {
            oversight::bind_seed(s, out);
            Verb::Insert(&oversight::SEEDS)
        }
        DeskChange::UpdateSeed(s) => {
            oversight::bind_seed(s, out);
            Verb::Update(&oversight::SEEDS)
        }
        DeskChange::InsertStampNotice(s) => {
            oversight::bind_stamp(s, out);
            Verb::Insert(&oversight::STAMPS)
        }
        DeskChange::InsertProblem(p) => {
            problems::bind(p, out);
            Verb::Insert(&problems::PROBLEMS)
        }
        DeskChange::UpdateProblem(p) => {
            problems::bind(p, out);
            Verb::Update(&problems::PROBLEMS)
        }
        DeskChange::InsertMail(m) => {
            problems::bind_mail(m, out);
            Verb::Insert(&problems::MAILS)
        }
        DeskChange::InsertDuty(d) => {
            duties::bind(d, out);
            Verb::Insert(&duties::DUTIES)
        }
        DeskChange::UpdateDuty(d) => {
            duties::bind(d, out);
            Verb::Update(&duties::DUTIES)
        }
    }
}

/// The row in words, for the message of a conflict.
pub(crate) fn describe(change: &DeskChange) -> String {
    match change {
        DeskChange::PutPriority(p) => format!("the priority of {}", p.workflow),
        DeskChange::PutView(v) => format!("the view `{}`", v.name),
        DeskChange::DropView { name, .. } => format!("the view `{name}`"),
        DeskChange::PutRead(r) => format!("{} as read by {}", r.review, r.person),
        DeskChange::PutVisit(v) => format!("{} as seen by {}", v.run, v.person),
        DeskChange::RenewClaim { review, .. } => review.to_string(),
        DeskChange::InsertSecondLook(l) | DeskChange::UpdateSecondLook(l) => {
            format!("the second look at {}", l.run)
        }
        DeskChange::InsertSeed(s) | DeskChange::UpdateSeed(s) => format!("the seed {}", s.run),
        DeskChange::InsertStampNotice(s) => format!("the notice about {} on {}", s.person, s.day),
        DeskChange::InsertProblem(p) | DeskChange::UpdateProblem(p) => p.id.to_string(),
        DeskChange::InsertMail(m) => format!("the mail {}", m.key),
        DeskChange::InsertDuty(d) | DeskChange::UpdateDuty(d) => d.id.to_string(),
    }
}

/// The workflow a change belongs to, where the row names one.
pub(crate) fn workflow(change: &DeskChange) -> Option<&str> {
    match change {
        DeskChange::PutPriority(p) => Some(&p.workflow),
        DeskChange::InsertSecondLook(l) | DeskChange::UpdateSecondLook(l) => Some(&l.workflow),
        DeskChange::InsertSeed(s) | DeskChange::UpdateSeed(s) => Some(&s.workflow),
        DeskChange::InsertStampNotice(s) => Some(&s.workflow),
        DeskChange::InsertProblem(p) | DeskChange::UpdateProblem(p) => p.workflow.as_deref(),
        DeskChange::InsertDuty(d) | DeskChange::UpdateDuty(d) => Some(&d.workflow),
        DeskChange::PutView(_)
        | DeskChange::DropView { .. }
        | DeskChange::PutRead(_)
        | DeskChange::PutVisit(_)
        | DeskChange::RenewClaim { .. }
        | DeskChange::InsertMail(_) => None,
    }
}
