//! Answers a load that is too much: tells the people who answer for it, and takes the declared steps in
//! order. Each step goes through the same door as a person's, and is kept with its figures. No rule is
//! ever touched, and nothing is eased off by itself.

use std::time::Duration;

use tuesday_domain::capacity::{LoadForecast, Step, Taken, next_step};
use tuesday_domain::ledger::day::{Day, Days};
use tuesday_domain::ledger::value::Saved;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Change, Workflow};
use tuesday_domain::scope::Restriction;
use tuesday_domain::trouble::{Category, Trouble};
use tuesday_domain::workflow::{Label, Switch};

use super::SYSTEM;
use super::picture::{BACK, InForce};
use crate::catalog::LiveRelease;
use crate::engine::{Engine, read_problem};
use crate::maintenance::notice;
use crate::ops::standing::Move;

/// Approvals that look like no review count for so long.
const WEEK: Duration = Duration::from_secs(7 * 86_400);
/// Days over which net time is judged where no plan says so.
pub(super) const NET_DAYS: u32 = 7;

impl Engine {
    /// Looks at the load of a workflow and does the one thing that is due next. Looks at the row again,
    /// so that two nodes do it once.
    ///
    /// # Errors
    /// When the database does not answer or the release cannot be loaded.
    pub(crate) async fn answer_load(&self, seen: &Workflow) -> Result<(), Problem> {
        let row = self.standing(&seen.name).await?;
        if row.switch == Switch::Killed || row.label == Label::Retired {
            return Ok(());
        }
        let live = self.loaded(row.live_release).await?;
        let Some(plan) = self.plan_in_force(&row.name, &live).await? else {
            return self.watch_net_without_hours(row, &live).await;
        };
        let scope = row.rollout.scope.clone();
        let picture = self
            .load_picture(&row, &live, &plan.spec, &scope, BACK)
            .await?;
        let forecast = picture.forecast(&plan.spec, 1.0);
        let over = forecast.over(plan.spec.limit_percent);
        let today = picture.today;
        if let Some(left) = undone(&row, &plan) {
            return self.steps_undone(row, left, today).await;
        }
        if let Some(words) = over.as_ref()
            && row.rollout.load.alarmed != Some(today)
        {
            return self.alarm(row, &live, words, &forecast, today).await;
        }
        let tenths = forecast.backlog_days_tenths;
        let due = next_step(
            &plan.spec.response,
            &row.rollout.load,
            over.is_some(),
            tenths,
            (self.now(), today),
        );
        if let Some(step) = due {
            let waits = format!(
                "{} tasks wait, {}.{} working days",
                forecast.backlog_tasks,
                tenths / 10,
                tenths % 10
            );
            let words = over.map_or_else(|| waits.clone(), |o| format!("{o}; {waits}"));
            return self.step(row, &plan, step, &words, &forecast).await;
        }
        if self.sample(&row, &plan, over.is_some()).await? {
            return Ok(());
        }
        let net_days = plan.spec.net_days;
        self.watch_net(row, &live, net_days, today).await
    }

    /// Nobody declared hours, and review can cost more than it saves all the same. Research promises no
    /// saving, and before its first whole period there is nothing to say.
    async fn watch_net_without_hours(
        &self,
        row: Workflow,
        live: &LiveRelease,
    ) -> Result<(), Problem> {
        let installed = row.installed_at.plus(WEEK);
        if row.label == Label::Research || self.now() < installed {
            return Ok(());
        }
        let today = self.today(Some(&row.name)).await?;
        self.watch_net(row, live, NET_DAYS, today).await
    }

    /// How the work passes the hours now; nothing while it does not, or nobody declared any.
    pub(in crate::ops) async fn overload(
        &self,
        row: &Workflow,
        live: &LiveRelease,
    ) -> Result<Option<String>, Problem> {
        let Some(plan) = self.plan_in_force(&row.name, live).await? else {
            return Ok(None);
        };
        let scope = &row.rollout.scope;
        let picture = self
            .load_picture(row, live, &plan.spec, scope, BACK)
            .await?;
        let forecast = picture.forecast(&plan.spec, 1.0);
        Ok(forecast.over(plan.spec.limit_percent))
    }

    /// Tells the operator owner and the sponsor, the same day, with what it rests on.
    async fn alarm(
        &self,
        mut row: Workflow,
        live: &LiveRelease,
        words: &str,
        forecast: &LoadForecast,
        today: Day,
    ) -> Result<(), Problem> {
        row.rollout.load.alarmed = Some(today);
        let breaks = forecast.breaks_on.map_or_else(String::new, |day| {
            format!(
                "; more than {} working days wait from {day} on",
                forecast.breaks_at_days
            )
        });
        let said = format!("{words}{breaks}");
        let title = format!("{}: people cannot keep up: {said}", row.name);
        let mut moved = Move::new(row, "capacity.alarm", "load over".to_owned());
        moved.changes = self.tell_owners(&moved.row.name, live, "capacity_alarm", &title);
        let name = moved.row.name.clone();
        let trouble = Trouble::new(Category::ReviewOverload, &name, Some(&name), &said);
        moved.changes.push(self.report_trouble(trouble));
        moved.facts = vec![("forecast", json(forecast))];
        self.commit_move(moved, &SYSTEM, &said).await.map(drop)
    }

    /// The operator owner and the sponsor hear of it.
    fn tell_owners(&self, name: &str, live: &LiveRelease, kind: &str, title: &str) -> Vec<Change> {
        let owners = &live.ready.def.owners;
        let mut people: Vec<&str> = vec![&owners.operator.handle];
        people.extend(owners.sponsor.as_ref().map(|s| s.handle.as_str()));
        people.dedup();
        let tell = |person: &str| {
            let path = format!("/workflows/{name}/capacity");
            let (to, at) = (person.to_owned(), self.now());
            let told = notice(to, name.to_owned(), kind, title.to_owned(), path, at);
            Change::InsertNotice(Box::new(told))
        };
        people.into_iter().map(tell).collect()
    }

    /// Takes one step of the response and tells everybody whom the workflow names.
    async fn step(
        &self,
        row: Workflow,
        plan: &InForce,
        step: Step,
        words: &str,
        forecast: &LoadForecast,
    ) -> Result<(), Problem> {
        let before = row.rollout.scope.clone();
        let mut moved = match step {
            Step::Narrow => self.narrow(row, plan).await?,
            Step::Slow => {
                let mut row = row;
                let day = forecast.working_day_ms / forecast.task.mean_ms.max(1);
                let open = u32::try_from(day.max(1)).unwrap_or(u32::MAX);
                row.rollout.load.slow = Some(open);
                let told =
                    format!("new events wait while {open} runs are open: a working day of review");
                Move::new(row, "workflow.slowed", format!("intake open slowed {open}")).tell(told)
            }
            Step::Pause => self.load_pause(row, words),
        };
        let load = &mut moved.row.rollout.load;
        if load.steps.is_empty() {
            load.before = Some(before);
        }
        load.steps.push(Taken {
            step,
            at: self.now(),
            words: words.to_owned(),
        });
        let rules = moved.row.rules_version;
        moved.facts.extend([
            ("step", step.word().into()),
            ("rules_version", rules.into()),
            ("forecast", json(forecast)),
        ]);
        let told = moved.told.take().unwrap_or_default();
        moved.told = Some(format!(
            "{told} ({words}). A person eases it off: tuesday capacity ease"
        ));
        let reason = format!("declared response to too much review work, step {step}: {words}");
        self.commit_move(moved, &SYSTEM, &reason).await.map(drop)
    }

    /// The declared narrower scope, through the door of restricting.
    async fn narrow(&self, row: Workflow, plan: &InForce) -> Result<Move, Problem> {
        let present = row.rollout.scope.clone();
        let wanted = plan.spec.response.narrowed(&present);
        let kept = row.clone();
        let tried = match wanted.filter(|w| *w != present) {
            Some(scope) => {
                let words = scope.words();
                let moved = Box::pin(self.restricted(row, scope, false)).await;
                moved.map(|m| m.tell(format!("only {words} from now on, the rest goes to people")))
            }
            None => Err(Problem::new("bad_request", "it is as narrow already")),
        };
        // A step that can do nothing is taken all the same: the next one must not wait for it for ever.
        Ok(tried.unwrap_or_else(|p| {
            let words = "scope as it was".to_owned();
            let told = format!("narrowing has no effect: {}", p.detail);
            Move::new(kept, "workflow.restricted", words).tell(told)
        }))
    }

    fn load_pause(&self, mut row: Workflow, words: &str) -> Move {
        let before = row.switch;
        if row.acts() {
            row.switch = Switch::Paused;
            row.rollout.switched_at = Some(self.now());
            row.rollout.switched_by = Some(SYSTEM.to_string());
            row.rollout.switch_reason = Some(format!("too much review work: {words}"));
        }
        let after = row.switch;
        Move::new(row, "workflow.switch", format!("switch {before} {after}"))
            .tell("paused, because too much review work waits".to_owned())
    }

    /// A person has undone steps through their own door: they are over, and none follows today.
    async fn steps_undone(
        &self,
        mut row: Workflow,
        left: Vec<Taken>,
        today: Day,
    ) -> Result<(), Problem> {
        row.rollout.load.steps = left;
        row.rollout.load.eased = Some(today);
        if row.rollout.load.steps.is_empty() {
            row.rollout.load.before = None;
        }
        let moved = Move::new(row, "capacity.eased", "load steps undone".to_owned());
        let reason = "a person widened the scope or let it act again";
        self.commit_move(moved, &SYSTEM, reason).await.map(drop)
    }

    /// Lets the share of second looks follow the load within its bounds; `true` when it moved.
    async fn sample(&self, row: &Workflow, plan: &InForce, over: bool) -> Result<bool, Problem> {
        if plan.spec.sample.is_none() && row.rollout.load.sampled.is_none() {
            return Ok(false);
        }
        let now = self.now();
        let stamps = self.0.reader.stamp_notices(now.minus(WEEK), now.plus(WEEK));
        let stamps = stamps.await.map_err(read_problem)?;
        let stamped = stamps.iter().any(|n| n.workflow == row.name);
        let wanted = plan.spec.sampled(over, stamped);
        if wanted == row.rollout.load.sampled {
            return Ok(false);
        }
        let shown = |s: Option<tuesday_domain::capacity::Sampled>| match s {
            None => "as declared".to_owned(),
            Some(s) => {
                let one = |ppm: Option<u32>| {
                    ppm.map_or_else(
                        || "as declared".to_owned(),
                        |n| format!("{}.{} %", n / 10_000, n / 1_000 % 10),
                    )
                };
                format!(
                    "{} of people's approvals, {} of automatic ones",
                    one(s.human_ppm),
                    one(s.automatic_ppm)
                )
            }
        };
        let words = format!("{} → {}", shown(row.rollout.load.sampled), shown(wanted));
        let why = match (stamped, over) {
            (true, _) => "approvals look like no review",
            (false, true) => "there is too much to review",
            (false, false) => "neither too much work nor hasty approvals any more",
        };
        let mut row = row.clone();
        row.rollout.load.sampled = wanted;
        let owner = row.owner.clone();
        let name = row.name.clone();
        let mut moved = Move::new(row, "capacity.sampled", format!("second looks {words}"));
        let title = format!("{name}: second looks: {} ({why})", shown(wanted));
        let path = format!("/workflows/{name}/capacity");
        let told = notice(owner, name, "capacity_sample", title, path, now);
        moved.changes.push(Change::InsertNotice(Box::new(told)));
        self.commit_move(moved, &SYSTEM, why).await?;
        Ok(true)
    }

    /// Review that costs more time than is saved is told once for each declared period; what cannot be
    /// computed is told every week.
    async fn watch_net(
        &self,
        mut row: Workflow,
        live: &LiveRelease,
        net_days: u32,
        today: Day,
    ) -> Result<(), Problem> {
        let days = last_days(net_days, today);
        let saved = self.net_saved(&row.name, days).await?;
        let told = row.rollout.load.net_told;
        let since = told.map_or(i64::MAX, |day| today.since(day));
        let (pause, said) = match saved.net.value {
            Some(net) if net < 0 => (i64::from(net_days), calculation(&saved)),
            Some(_) => return Ok(()),
            None => (
                7,
                format!("net time cannot be computed: {}", saved.net.means),
            ),
        };
        // A workflow without one ended task has nothing to compute yet.
        if since < pause || (saved.net.value.is_none() && !self.has_ended(&row.name).await?) {
            return Ok(());
        }
        row.rollout.load.net_told = Some(today);
        let name = row.name.clone();
        let title = format!("{name}, {} to {}: {said}", days.from, days.to);
        let mut moved = Move::new(row, "capacity.net", "net time told".to_owned());
        moved.changes = self.tell_owners(&name, live, "net_time", &title);
        moved.facts = vec![("calculation", json(&saved))];
        self.commit_move(moved, &SYSTEM, &said).await.map(drop)
    }

    async fn has_ended(&self, name: &str) -> Result<bool, Problem> {
        let found = self.0.reader.has_ended_runs(name).await;
        found.map_err(read_problem)
    }
}

/// The last whole days over which net time is judged.
pub(super) fn last_days(count: u32, today: Day) -> Days {
    Days {
        from: today.plus(-i64::from(count)),
        to: today.plus(-1),
    }
}

/// `review costs more time than is saved: −80 min net = 120 min by hand − …`.
fn calculation(saved: &Saved) -> String {
    let minutes = |ms: i64| ms / 60_000;
    let net = saved.net.value.unwrap_or(0);
    let lines = saved.lines.iter().filter(|l| l.ms != 0);
    let each: Vec<String> = lines
        .map(|l| format!("{} {} min", l.title.to_lowercase(), minutes(l.ms)))
        .collect();
    format!(
        "people spend more time on it than it saves: net {} min ({})",
        minutes(net),
        each.join(", ")
    )
}

fn json<T: serde::Serialize>(of: &T) -> serde_json::Value {
    serde_json::to_value(of).unwrap_or_default()
}

/// The steps that still hold, when a person has undone one; nothing when all of them hold.
fn undone(row: &Workflow, plan: &InForce) -> Option<Vec<Taken>> {
    let load = &row.rollout.load;
    let narrowed = plan
        .spec
        .response
        .narrowed(load.before.as_ref().unwrap_or(&Restriction::default()));
    let holds = |t: &&Taken| match t.step {
        Step::Narrow => narrowed
            .as_ref()
            .is_none_or(|n| row.rollout.scope.within(n)),
        Step::Slow => load.slow.is_some(),
        Step::Pause => !row.acts(),
    };
    let left: Vec<Taken> = load.steps.iter().filter(holds).cloned().collect();
    (left.len() < load.steps.len()).then_some(left)
}
