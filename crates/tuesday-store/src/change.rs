//! What each change of a decision means for the tables, the same for both databases.

use tuesday_domain::id::RunId;
use tuesday_domain::record::{Change, Decision, Subject};
use tuesday_domain::time::Timestamp;

use crate::reviews::Lists;
use crate::table::Table;
use crate::value::{Param, big, opt_text, opt_time};
use crate::{
    actions, attempts, candidates, charter, desk, gates, incidents, instance, intake, jobs, load,
    money, notices, payloads, people, privacy, reviews, rights, rollout, rules, runs, workflows,
};

/// What is done with the bound values.
#[derive(Clone, Copy)]
pub(crate) enum Verb {
    /// One new row.
    Insert(&'static Table),
    /// One row that is in the version before.
    Update(&'static Table),
    /// One row, new or not.
    Put(&'static Table),
    /// A statement that must touch exactly one row.
    One(&'static str),
    /// A guard on the job: exactly one row, or the lease is lost.
    Fence(jobs::Fence),
    /// The job goes, if there is one.
    DropJob,
    /// A statement that may touch any number of rows.
    Any(&'static str),
}

/// Binds the values of a change and says what is done with them.
///
/// `lists` is the change's own slot for texts that are made here and bound by reference.
pub(crate) fn bind<'a>(
    change: &'a Change,
    lists: &'a mut Option<Lists>,
    out: &mut Vec<Param<'a>>,
) -> Verb {
    match change {
        Change::InsertRun(r) => with(out, |o| runs::bind(r, o), Verb::Insert(&runs::RUNS)),
        Change::UpdateRun(r) => with(out, |o| runs::bind(r, o), Verb::Update(&runs::RUNS)),
        Change::InsertPayload(p) => with(
            out,
            |o| payloads::bind(p, o),
            Verb::Insert(&payloads::PAYLOADS),
        ),
        Change::InsertAttempt(a) => with(
            out,
            |o| attempts::bind(a, o),
            Verb::Insert(&attempts::ATTEMPTS),
        ),
        Change::InsertJob(j) => with(out, |o| jobs::bind(j, o), Verb::Insert(&jobs::JOBS)),
        Change::CheckFence { run, fence } => fenced(out, jobs::Fence::Check, *run, *fence),
        Change::FinishJob { run, fence } => fenced(out, jobs::Fence::Finish, *run, *fence),
        Change::ReleaseJob {
            run,
            fence,
            due_at,
            lease,
        } => {
            let verb = fenced(out, jobs::Fence::Release, *run, *fence);
            out.extend([
                Param::Int(due_at.micros()),
                opt_text(lease.as_ref().map(|l| l.node.as_str())),
                opt_time(lease.as_ref().map(|l| l.until)),
            ]);
            verb
        }
        Change::DropJob { run } => with(out, |o| o.push(Param::Id(run.uuid())), Verb::DropJob),
        Change::InsertReview(v) | Change::UpdateReview(v) => {
            reviews::bind(v, lists.insert(Lists::of(v)), out);
            if matches!(change, Change::InsertReview(_)) {
                Verb::Insert(&reviews::REVIEWS)
            } else {
                Verb::Update(&reviews::REVIEWS)
            }
        }
        Change::InsertAction(a) => with(
            out,
            |o| actions::bind(a, o),
            Verb::Insert(&actions::ACTIONS),
        ),
        Change::UpdateAction(a) => with(
            out,
            |o| actions::bind(a, o),
            Verb::Update(&actions::ACTIONS),
        ),
        Change::InsertIntake(i) => with(out, |o| intake::bind(i, o), Verb::Insert(&intake::INTAKE)),
        Change::UpdateIntake(i) => with(out, |o| intake::bind(i, o), Verb::Update(&intake::INTAKE)),
        Change::InsertNotice(n) => with(
            out,
            |o| notices::bind(n, o),
            Verb::Insert(&notices::NOTICES),
        ),
        Change::UpdateNotice(n) => with(
            out,
            |o| notices::bind(n, o),
            Verb::Update(&notices::NOTICES),
        ),
        Change::PutWorkflow(w) => {
            let texts = lists.insert(Lists::texts(workflows::texts(w))).four();
            workflows::bind_workflow(w, texts, out);
            if w.version == 0 {
                Verb::Insert(&workflows::WORKFLOWS)
            } else {
                Verb::Update(&workflows::WORKFLOWS)
            }
        }
        Change::PutRouted(_) | Change::DecideRouted { .. } => bind_routing(change, out),
        rare => bind_rare(rare, out),
    }
}

/// Where the table sent a run, and what a person said later.
fn bind_routing<'a>(change: &'a Change, out: &mut Vec<Param<'a>>) -> Verb {
    match change {
        Change::PutRouted(r) => with(out, |o| rules::bind_routed(r, o), Verb::Put(&rules::ROUTED)),
        Change::DecideRouted {
            run,
            workflow,
            decision,
        } => {
            out.extend([
                Param::Text(decision.word()),
                Param::Text(workflow),
                Param::Id(run.uuid()),
            ]);
            Verb::Any(rules::DECIDE_ROUTED)
        }
        other => bind_rare(other, out),
    }
}

/// Changes that people make, a few a day.
fn bind_rare<'a>(change: &'a Change, out: &mut Vec<Param<'a>>) -> Verb {
    match change {
        Change::InsertRelease(v) => with(
            out,
            |o| workflows::bind_release(v, o),
            Verb::Insert(&workflows::RELEASES),
        ),
        Change::SetReleaseState { id, from, to } => {
            out.extend([
                Param::Text(to.word()),
                Param::Id(id.uuid()),
                Param::Text(from.word()),
            ]);
            Verb::One(workflows::SET_RELEASE)
        }
        Change::PutGate(_)
        | Change::InsertJudgement(_)
        | Change::PutFix(_)
        | Change::PutEvalPart(_)
        | Change::DropEvalParts { .. } => bind_gate(change, out),
        Change::InsertRuleSet(v) => with(
            out,
            |o| rules::bind_ruleset(v, o),
            Verb::Insert(&rules::RULESETS),
        ),
        Change::MoveRuleSet { from, row } => {
            out.extend([
                Param::Text(row.state.word()),
                opt_time(row.decided_at),
                opt_text(row.decided_by.as_deref()),
                Param::Text(&row.workflow),
                Param::Int(big(row.version)),
                Param::Text(from.word()),
            ]);
            Verb::One(rules::MOVE_RULESET)
        }
        Change::PutRulesAck(a) => with(out, |o| rules::bind_ack(a, o), Verb::Put(&rules::ACKS)),
        Change::PutReleaseAck(a) => with(out, |o| gates::bind_ack(a, o), Verb::Put(&gates::ACKS)),
        Change::NoteUnmapped(u) => {
            rules::bind_unmapped(u, out);
            Verb::Any(rules::NOTE_UNMAPPED)
        }
        Change::PutPerson(p) => with(
            out,
            |o| people::bind_person(p, o),
            Verb::Put(&people::PEOPLE),
        ),
        Change::InsertToken(t) => with(
            out,
            |o| people::bind_token(t, o),
            Verb::Insert(&people::TOKENS),
        ),
        Change::RevokeToken { id, at } => {
            out.extend([Param::Int(at.micros()), Param::Id(id.uuid())]);
            Verb::One(people::REVOKE)
        }
        access => bind_access(access, out),
    }
}

/// What is kept beside a release.
fn bind_gate<'a>(change: &'a Change, out: &mut Vec<Param<'a>>) -> Verb {
    match change {
        Change::PutGate(g) => with(out, |o| gates::bind_gate(g, o), Verb::Put(&gates::GATES)),
        Change::InsertJudgement(j) => with(
            out,
            |o| gates::bind_judgement(j, o),
            Verb::Insert(&gates::JUDGEMENTS),
        ),
        Change::PutFix(f) => with(out, |o| gates::bind_fix(f, o), Verb::Put(&gates::FIXES)),
        Change::PutEvalPart(p) => with(out, |o| gates::bind_part(p, o), Verb::Put(&gates::PARTS)),
        Change::DropEvalParts { release } => with(
            out,
            |o| o.push(Param::Id(release.uuid())),
            Verb::Any(gates::DROP_PARTS),
        ),
        other => bind_access(other, out),
    }
}

/// Changes of what people may do and how they get in.
fn bind_access<'a>(change: &'a Change, out: &mut Vec<Param<'a>>) -> Verb {
    match change {
        Change::PutGrant(g) => with(
            out,
            |o| rights::bind_grant(g, o),
            Verb::Put(&rights::GRANTS),
        ),
        Change::DropGrant(g) => with(
            out,
            |o| rights::bind_grant_drop(g, o),
            Verb::One(rights::DROP_GRANT),
        ),
        Change::PutCredential(c) => with(
            out,
            |o| rights::bind_credential(c, o),
            Verb::Put(&rights::CREDENTIALS),
        ),
        Change::UseCredential { was, data, used_at } => {
            rights::bind_use(was, data, *used_at, out);
            Verb::One(rights::USE_CREDENTIAL)
        }
        Change::DropCredential(c) => with(
            out,
            |o| rights::bind_credential_key(c, o),
            Verb::One(rights::DROP_CREDENTIAL),
        ),
        Change::InsertInvite(i) => with(
            out,
            |o| rights::bind_invite(i, o),
            Verb::Insert(&rights::INVITES),
        ),
        Change::UseInvite { hash, at } => {
            out.extend([Param::Int(at.micros()), Param::Blob(hash)]);
            Verb::One(rights::USE_INVITE)
        }
        other => bind_session(other, out),
    }
}

/// Changes of who is signed in, and of who is not there.
fn bind_session<'a>(change: &'a Change, out: &mut Vec<Param<'a>>) -> Verb {
    match change {
        Change::InsertSession(s) => with(
            out,
            |o| rights::bind_session(s, o),
            Verb::Insert(&rights::SESSIONS),
        ),
        Change::DropSession { hash } => with(
            out,
            |o| o.push(Param::Blob(hash)),
            Verb::Any(rights::DROP_SESSION),
        ),
        Change::PutGuesses(g) => with(
            out,
            |o| rights::bind_guesses(g, o),
            Verb::Put(&rights::GUESSES),
        ),
        Change::PutAway(a) => with(out, |o| rights::bind_away(a, o), Verb::Put(&rights::AWAY)),
        Change::PutCursor(c) => with(
            out,
            |o| workflows::bind_cursor(c, o),
            Verb::Put(&workflows::CURSORS),
        ),
        Change::MarkReturned { seen_at, at } => marked(out, &[*at, *seen_at], instance::RETURNED),
        Change::MarkRestored { at } => marked(out, &[*at], instance::RESTORED),
        Change::Desk(d) => desk::bind(d, out),
        Change::Trouble(t) => incidents::bind(t, out),
        Change::Charter(c) => charter::bind(c, out),
        Change::Rollout(c) => rollout::bind(c, out),
        Change::Money(m) => money::bind(m, out),
        Change::Load(c) => load::bind(c, out),
        Change::Privacy(c) => privacy::bind(c, out),
        Change::Candidate(c) => candidates::bind(c, out),
        // `bind` has taken every other change; a list without a default keeps the two in step.
        Change::InsertRun(_)
        | Change::UpdateRun(_)
        | Change::InsertPayload(_)
        | Change::InsertAttempt(_)
        | Change::InsertJob(_)
        | Change::CheckFence { .. }
        | Change::ReleaseJob { .. }
        | Change::FinishJob { .. }
        | Change::DropJob { .. }
        | Change::InsertReview(_)
        | Change::UpdateReview(_)
        | Change::InsertAction(_)
        | Change::UpdateAction(_)
        | Change::InsertIntake(_)
        | Change::UpdateIntake(_)
        | Change::InsertNotice(_)
        | Change::UpdateNotice(_)
        | Change::PutWorkflow(_)
        | Change::InsertRelease(_)
        | Change::SetReleaseState { .. }
        | Change::PutGate(_)
        | Change::InsertJudgement(_)
        | Change::PutFix(_)
        | Change::PutEvalPart(_)
        | Change::DropEvalParts { .. }
        | Change::InsertRuleSet(_)
        | Change::MoveRuleSet { .. }
        | Change::PutRulesAck(_)
        | Change::PutReleaseAck(_)
        | Change::NoteUnmapped(_)
        | Change::PutRouted(_)
        | Change::DecideRouted { .. }
        | Change::PutPerson(_)
        | Change::InsertToken(_)
        | Change::RevokeToken { .. }
        | Change::PutGrant(_)
        | Change::DropGrant(_)
        | Change::PutCredential(_)
        | Change::UseCredential { .. }
        | Change::DropCredential(_)
        | Change::InsertInvite(_)
        | Change::UseInvite { .. } => Verb::One("SELECT 1 WHERE 1 = 0"),
    }
}

fn with<'a>(out: &mut Vec<Param<'a>>, bind: impl FnOnce(&mut Vec<Param<'a>>), verb: Verb) -> Verb {
    bind(out);
    verb
}

/// A moment of the instance's own row.
fn marked(out: &mut Vec<Param<'_>>, times: &[Timestamp], sql: &'static str) -> Verb {
    out.extend(times.iter().map(|t| Param::Int(t.micros())));
    Verb::One(sql)
}

fn fenced(out: &mut Vec<Param<'_>>, kind: jobs::Fence, run: RunId, fence: i64) -> Verb {
    out.extend([Param::Id(run.uuid()), Param::Int(fence)]);
    Verb::Fence(kind)
}

/// The row of a change in words, for the message of a conflict.
pub(crate) fn describe(change: &Change) -> String {
    match change {
        Change::InsertRun(r) | Change::UpdateRun(r) => r.id.to_string(),
        Change::InsertPayload(p) => format!("payload {} of {}", p.n, p.run),
        Change::InsertAttempt(a) => format!("attempt {} of {}", a.seq, a.run),
        Change::InsertJob(j) => format!("the job of {}", j.run),
        Change::CheckFence { run, .. }
        | Change::ReleaseJob { run, .. }
        | Change::FinishJob { run, .. }
        | Change::DropJob { run } => format!("the job of {run}"),
        Change::InsertReview(v) | Change::UpdateReview(v) => v.id.to_string(),
        Change::InsertAction(a) | Change::UpdateAction(a) => a.id.to_string(),
        Change::InsertIntake(i) | Change::UpdateIntake(i) => i.id.to_string(),
        Change::PutWorkflow(w) => format!("workflow {}", w.name),
        Change::InsertRelease(v) => format!("release {} of {}", v.number, v.workflow),
        Change::SetReleaseState { id, .. } => id.to_string(),
        Change::PutGate(g) => format!("the gate of {}", g.release),
        Change::InsertJudgement(j) => format!("judgement {} of {}", j.number, j.release),
        Change::PutFix(f) => format!("what {} answers", f.release),
        Change::PutEvalPart(p) => format!("part {} of the results of {}", p.part, p.release),
        Change::DropEvalParts { release } => format!("the results of {release}"),
        Change::InsertRuleSet(v) => format!("rules {} of {}", v.version, v.workflow),
        Change::MoveRuleSet { row, .. } => format!("rules {} of {}", row.version, row.workflow),
        Change::PutRulesAck(a) => format!("rules read by {} in {}", a.person, a.workflow),
        Change::PutReleaseAck(a) => format!("a release read by {} in {}", a.person, a.workflow),
        Change::NoteUnmapped(u) => format!("a word of {} in {}", u.field, u.workflow),
        Change::PutRouted(r) => format!("the routing of {}", r.run),
        Change::DecideRouted { run, .. } => format!("the routing of {run}"),
        Change::PutPerson(p) => format!("person {}", p.handle),
        Change::InsertToken(t) => t.id.to_string(),
        Change::RevokeToken { id, .. } => id.to_string(),
        Change::InsertNotice(n) | Change::UpdateNotice(n) => n.id.to_string(),
        Change::PutGrant(g) | Change::DropGrant(g) => {
            format!("{} of {} on {}", g.role, g.person, g.place())
        }
        Change::PutCredential(c)
        | Change::DropCredential(c)
        | Change::UseCredential { was: c, .. } => {
            format!("{} of {}", c.kind, c.person)
        }
        Change::InsertInvite(i) => format!("the link for {}", i.person),
        Change::UseInvite { .. } => "the link".to_owned(),
        Change::InsertSession(_) | Change::DropSession { .. } => "the session".to_owned(),
        Change::PutGuesses(_) => "the count of wrong guesses".to_owned(),
        Change::PutAway(a) => format!("the absence of {}", a.person),
        Change::PutCursor(c) => format!("cursor {} of {}", c.trigger, c.workflow),
        Change::MarkReturned { .. } => "the mark of a return".to_owned(),
        Change::MarkRestored { .. } => "the mark of a restored database".to_owned(),
        Change::Desk(d) => desk::describe(d),
        Change::Trouble(t) => incidents::describe(t),
        Change::Charter(c) => charter::describe(c),
        Change::Rollout(c) => rollout::describe(c),
        Change::Money(m) => money::describe(m),
        Change::Load(c) => load::describe(c),
        Change::Privacy(c) => privacy::describe(c),
        Change::Candidate(c) => candidates::describe(c),
    }
}

/// The run and its version that the entry of a decision is about.
pub(crate) fn audited_run(decision: &Decision) -> Option<(RunId, u32)> {
    match &decision.entry.subject {
        Subject::Run(id, seq) => Some((*id, *seq)),
        Subject::Workflow(_) | Subject::Instance => None,
    }
}

/// The workflow an entry belongs to: named by the subject, or known from a row that changes.
pub(crate) fn audited_workflow(decision: &Decision) -> Option<&str> {
    if let Subject::Workflow(name) = &decision.entry.subject {
        return Some(name);
    }
    decision.changes.iter().find_map(|c| match c {
        Change::InsertRun(r) | Change::UpdateRun(r) => Some(r.workflow.as_str()),
        Change::InsertReview(v) | Change::UpdateReview(v) => Some(v.workflow.as_str()),
        Change::InsertIntake(i) | Change::UpdateIntake(i) => Some(i.workflow.as_str()),
        Change::Desk(d) => desk::workflow(d),
        Change::Charter(c) => Some(charter::workflow(c)),
        Change::Rollout(c) => Some(rollout::workflow(c)),
        Change::Load(c) => Some(load::workflow(c)),
        _ => None,
    })
}
