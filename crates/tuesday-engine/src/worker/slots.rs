//! How much may run here at once: a cap for the node and a cap for each workflow, so that one slow
//! workflow never takes the room of another.
//!
//! A run that finds no place is left in the database for whoever claims it, which costs a claim and
//! reading it again. So where places come free quickly, an event waits for one a moment before it is
//! acknowledged: at full load the senders are slowed down instead of a queue growing behind them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tuesday_domain::id::RunId;

/// Longest expected wait for a place that is worth it.
const PATIENCE: Duration = Duration::from_millis(50);
/// How much the newest time in hand counts in the mean.
const NEWEST: f64 = 0.05;

struct Room {
    total: u32,
    used: u32,
    by_workflow: HashMap<String, u32>,
    held: HashMap<RunId, InHand>,
    serial: u64,
    closed: bool,
    /// Mean time that a place was held lately, in seconds; nothing before the first was given back.
    held_s: Option<f64>,
    /// Events that wait for a place.
    waiting: u32,
}

/// One claim in hand. The serial tells it from an earlier or later claim of the same run.
struct InHand {
    fence: i64,
    serial: u64,
    task: Option<AbortHandle>,
}

/// The node's room for runs.
#[derive(Clone)]
pub(crate) struct Slots {
    room: Arc<Mutex<Room>>,
    /// Told when room appeared or when there may be something to claim.
    pub(crate) wake: Arc<Notify>,
    idle: Arc<Notify>,
    freed: Arc<Notify>,
    /// Jobs may wait in the database for a place here.
    backlog: Arc<AtomicBool>,
}

/// One run's place; given back when dropped.
pub(crate) struct Held {
    slots: Slots,
    workflow: String,
    since: Instant,
    run: Option<(RunId, u64)>,
}

/// One event's place in the line.
struct InLine<'a>(&'a Slots);

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        let mut room = self.0.room();
        room.waiting = room.waiting.saturating_sub(1);
    }
}

impl Slots {
    pub(crate) fn new(total: u32) -> Self {
        Self {
            room: Arc::new(Mutex::new(Room {
                total,
                used: 0,
                by_workflow: HashMap::new(),
                held: HashMap::new(),
                serial: 0,
                closed: false,
                held_s: None,
                waiting: 0,
            })),
            wake: Arc::new(Notify::new()),
            idle: Arc::new(Notify::new()),
            freed: Arc::new(Notify::new()),
            backlog: Arc::new(AtomicBool::new(false)),
        }
    }

    fn room(&self) -> std::sync::MutexGuard<'_, Room> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place for a run of this workflow, when there is one.
    pub(crate) fn take(&self, workflow: &str, cap: u32) -> Option<Held> {
        let mut room = self.room();
        if room.closed || room.used >= room.total {
            return None;
        }
        let used = room.by_workflow.entry(workflow.to_owned()).or_default();
        if *used >= cap {
            return None;
        }
        *used += 1;
        room.used += 1;
        Some(Held {
            slots: self.clone(),
            workflow: workflow.to_owned(),
            since: Instant::now(),
            run: None,
        })
    }

    /// Takes a place for an event that has just come, after a short wait where places come free
    /// quickly. While older runs wait in the database, a quarter of the places is left to them.
    pub(crate) async fn take_soon(&self, workflow: &str, cap: u32) -> Option<Held> {
        let cap = if self.backlog.load(Ordering::Relaxed) {
            cap - cap / 4
        } else {
            cap
        };
        if let Some(held) = self.take(workflow, cap) {
            return Some(held);
        }
        let _line = self.stand_in_line(cap)?;
        let place = async {
            loop {
                let freed = self.freed.notified();
                tokio::pin!(freed);
                freed.as_mut().enable();
                if let Some(held) = self.take(workflow, cap) {
                    return held;
                }
                freed.await;
            }
        };
        tokio::time::timeout(PATIENCE * 2, place).await.ok()
    }

    /// A place in the line, unless it is too long for how fast it moves.
    fn stand_in_line(&self, cap: u32) -> Option<InLine<'_>> {
        let mut room = self.room();
        let places = f64::from(cap.min(room.total).max(1));
        let expected_s = room.held_s? * f64::from(room.waiting + 1) / places;
        if room.closed || room.total == 0 || expected_s > PATIENCE.as_secs_f64() {
            return None;
        }
        room.waiting += 1;
        Some(InLine(self))
    }

    /// Says whether jobs may wait in the database for a place here.
    pub(crate) fn set_backlog(&self, there_is: bool) {
        self.backlog.store(there_is, Ordering::Relaxed);
    }

    /// Wakes the claims: there is a job that found no place.
    pub(crate) fn left_over(&self) {
        self.set_backlog(true);
        self.wake.notify_one();
    }

    /// Free places for a workflow with this cap.
    pub(crate) fn free(&self, workflow: &str, cap: u32) -> u32 {
        let room = self.room();
        if room.closed {
            return 0;
        }
        let used = room.by_workflow.get(workflow).copied().unwrap_or(0);
        cap.saturating_sub(used)
            .min(room.total.saturating_sub(room.used))
    }

    /// The claims this node holds, for the heartbeat: run, fence, serial.
    pub(crate) fn claims(&self) -> Vec<(RunId, i64, u64)> {
        self.room()
            .held
            .iter()
            .map(|(run, h)| (*run, h.fence, h.serial))
            .collect()
    }

    /// Ends the task of a claim whose lease is lost; its outside call is cut, nothing is recorded.
    /// Answers false when that claim is not in hand any more: it had simply finished.
    pub(crate) fn abort(&self, run: RunId, serial: u64) -> bool {
        match self.room().held.get(&run) {
            Some(InHand {
                serial: s,
                task: Some(task),
                ..
            }) if *s == serial && !task.is_finished() => {
                task.abort();
                true
            }
            _ => false,
        }
    }

    /// Ends everything that is still in hand.
    pub(crate) fn abort_all(&self) {
        for task in self.room().held.values().filter_map(|h| h.task.as_ref()) {
            task.abort();
        }
    }

    /// No further places.
    pub(crate) fn close(&self) {
        self.room().closed = true;
        self.idle.notify_waiters();
    }

    /// Waits until nothing is in hand.
    pub(crate) async fn idle(&self) {
        loop {
            let told = self.idle.notified();
            if self.room().used == 0 {
                return;
            }
            told.await;
        }
    }
}

impl Held {
    /// Says which run and claim the place is for.
    pub(crate) fn begin(&mut self, run: RunId, fence: i64) {
        let mut room = self.slots.room();
        room.serial += 1;
        let serial = room.serial;
        room.held.insert(
            run,
            InHand {
                fence,
                serial,
                task: None,
            },
        );
        drop(room);
        self.run = Some((run, serial));
    }

    /// Remembers the task, so that a lost lease can end it.
    pub(crate) fn task(slots: &Slots, run: RunId, task: AbortHandle) {
        if let Some(held) = slots.room().held.get_mut(&run) {
            held.task = Some(task);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut room = self.slots.room();
        let held_s = self.since.elapsed().as_secs_f64();
        let mean = room.held_s.unwrap_or(held_s);
        room.held_s = Some(mean + (held_s - mean) * NEWEST);
        room.used = room.used.saturating_sub(1);
        if let Some(used) = room.by_workflow.get_mut(&self.workflow) {
            *used = used.saturating_sub(1);
        }
        // A later claim of the same run may be in hand already: only the own one is taken out.
        if let Some((run, serial)) = self.run
            && room.held.get(&run).is_some_and(|h| h.serial == serial)
        {
            room.held.remove(&run);
        }
        let idle = room.used == 0;
        drop(room);
        self.slots.freed.notify_one();
        if self.slots.backlog.load(Ordering::Relaxed) {
            self.slots.wake.notify_one();
        }
        if idle {
            self.slots.idle.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn an_event_waits_for_a_place_only_where_places_come_free_quickly() {
        let slots = Slots::new(1);
        let waits = || slots.take_soon("w", 1).now_or_never().is_none();
        let first = slots.take("w", 1);
        assert!(!waits(), "nothing is known yet");
        drop(first);
        let second = slots.take("w", 1);
        let (waited, ()) = tokio::join!(slots.take_soon("w", 1), async { drop(second) });
        assert!(waited.is_some(), "places were held for next to no time");
        slots.room().held_s = Some(0.02);
        assert!(waits());
        slots.room().held_s = Some(5.0);
        assert!(!waits(), "nobody waits for a slow one");
        assert_eq!(slots.room().waiting, 0);
    }

    #[tokio::test]
    async fn older_runs_keep_a_quarter_of_the_places() {
        let slots = Slots::new(8);
        slots.set_backlog(true);
        let mut new = Vec::new();
        while let Some(held) = slots.take_soon("w", 8).await {
            new.push(held);
        }
        assert_eq!((new.len(), slots.free("w", 8)), (6, 2));
    }

    #[test]
    fn one_workflow_never_takes_the_room_of_another() {
        let slots = Slots::new(4);
        let slow: Vec<_> = (0..9).filter_map(|_| slots.take("slow", 3)).collect();
        assert_eq!(slow.len(), 3);
        assert!(slots.take("other", 3).is_some());
        assert_eq!(slots.free("slow", 3), 0);
        drop(slow);
        assert_eq!(slots.free("slow", 3), 3);
    }
}
