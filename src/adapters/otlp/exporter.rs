//! The thread that sends: signals in through a bounded queue, batches out, everything else dropped and counted.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, mpsc as std_mpsc};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::adapters::otlp::address::Address;
use crate::adapters::otlp::client::{Fault, Kind, send};
use crate::domain::trace::meter::Measure;
use crate::domain::trace::settings::{Endpoint, ExportSettings};
use crate::domain::trace::span::{LogRecord, Signal, Span};
use crate::formats::otlp::request::{self, Sender};

/// Signals that may wait. Lines of output get half of it, so that a flood of them pushes out no span.
const QUEUE: usize = 4096;
/// Most items in one request.
const BATCH: usize = 512;
/// How long a batch is gathered.
const GATHER: Duration = Duration::from_millis(500);
/// Time for what is left when the process is about to end.
const LAST: Duration = Duration::from_secs(2);
/// The same for a receiver that has not answered a single time.
const LAST_OF_SILENT: Duration = Duration::from_secs(1);
/// Tries of one batch.
const TRIES: u32 = 5;
/// Pause before the second try; doubled each time.
const PAUSE: Duration = Duration::from_millis(500);
/// Longest pause a receiver may ask for.
const LONGEST: Duration = Duration::from_secs(30);

/// What became of everything that was offered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Items the receivers took.
    pub sent: u64,
    /// Items they refused.
    pub refused: u64,
    /// Items nobody took.
    pub lost: u64,
    /// Why, the first time.
    pub trouble: Option<String>,
}

/// Where each kind of signal goes.
#[derive(Debug)]
struct Addresses {
    traces: Option<Address>,
    logs: Option<Address>,
    metrics: Option<Address>,
}

/// The counters both threads see.
#[derive(Debug, Default)]
struct Counters {
    offered: AtomicU64,
    sent: AtomicU64,
    refused: AtomicU64,
    /// Whether a receiver has ever taken anything.
    answered: AtomicBool,
    trouble: Mutex<Option<String>>,
}

impl Counters {
    fn trouble(&self, why: String) {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.get_or_insert(why);
    }

    fn report(&self) -> Report {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (sent, refused) = (load(&self.sent), load(&self.refused));
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        Report {
            sent,
            refused,
            lost: load(&self.offered).saturating_sub(sent + refused),
            trouble: trouble.clone(),
        }
    }
}

/// The sending side of the queue; lives with whoever has signals.
#[derive(Debug)]
pub struct Exporter {
    queue: mpsc::Sender<Signal>,
    counters: Arc<Counters>,
    closing: CancellationToken,
    ended: std_mpsc::Receiver<()>,
}

impl Exporter {
    /// Starts the thread. An address that cannot be used is left out and named in the report.
    pub fn start(settings: &ExportSettings, sender: Sender) -> io::Result<Self> {
        let counters = Arc::new(Counters::default());
        let read = |endpoint: &Option<Endpoint>| {
            let read = Address::read(endpoint.as_ref()?);
            read.map_err(|why| counters.trouble(why)).ok()
        };
        let addresses = Addresses {
            traces: read(&settings.traces),
            logs: read(&settings.logs),
            metrics: read(&settings.metrics),
        };
        let (queue, signals) = mpsc::channel(QUEUE);
        let (done, ended) = std_mpsc::sync_channel(1);
        let closing = CancellationToken::new();
        let post = Post {
            addresses,
            sender,
            counters: Arc::clone(&counters),
            closing: closing.clone(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        std::thread::Builder::new()
            .name("traces".to_owned())
            .spawn(move || {
                runtime.block_on(post.until_closed(signals));
                // A name that is still being looked up is not waited for.
                runtime.shutdown_background();
                let _ = done.send(());
            })?;
        Ok(Self {
            queue,
            counters,
            closing,
            ended,
        })
    }

    /// Hands a signal over, or drops it when the queue is full. Never waits.
    pub fn offer(&self, signal: Signal) {
        let (items, room) = match &signal {
            Signal::Span(_) => (1, true),
            Signal::Log(_) => (1, self.queue.capacity() > QUEUE / 2),
            Signal::Measures(measures) => (measures.len() as u64, true),
        };
        self.counters.offered.fetch_add(items, Ordering::Relaxed);
        if room {
            // What does not fit is missing in the sum of what was sent, and so counted as lost.
            let _ = self.queue.try_send(signal);
        }
    }

    /// Sends what is left, for two seconds at most, and says what became of everything.
    #[must_use]
    pub fn finish(self) -> Report {
        drop(self.queue);
        self.closing.cancel();
        // The thread ends by itself; should it be stuck it is left behind.
        let _ = self.ended.recv_timeout(LAST + Duration::from_millis(250));
        self.counters.report()
    }
}

/// Signals of one kind each.
#[derive(Default)]
struct Batch {
    spans: Vec<Span>,
    logs: Vec<LogRecord>,
    measures: Vec<Measure>,
}

impl Batch {
    fn put(&mut self, signal: Signal) {
        match signal {
            Signal::Span(span) => self.spans.push(*span),
            Signal::Log(record) => self.logs.push(*record),
            Signal::Measures(measures) => self.measures.extend(measures),
        }
    }

    fn len(&self) -> usize {
        self.spans.len() + self.logs.len() + self.measures.len()
    }
}

/// The thread's end.
struct Post {
    addresses: Addresses,
    sender: Sender,
    counters: Arc<Counters>,
    closing: CancellationToken,
}

impl Post {
    async fn until_closed(self, signals: mpsc::Receiver<Signal>) {
        let late = async {
            self.closing.cancelled().await;
            tokio::time::sleep(LAST_OF_SILENT).await;
            if self.counters.answered.load(Ordering::Relaxed) {
                tokio::time::sleep(LAST.saturating_sub(LAST_OF_SILENT)).await;
            }
        };
        tokio::select! {
            biased;
            () = self.pump(signals) => {}
            () = late => {
                let why = "the receiver did not take everything before the program ended";
                self.counters.trouble(why.to_owned());
            }
        }
    }

    async fn pump(&self, mut signals: mpsc::Receiver<Signal>) {
        while let Some(first) = signals.recv().await {
            let mut batch = Batch::default();
            batch.put(first);
            let until = Instant::now() + GATHER;
            while batch.len() < BATCH {
                match timeout_at(until, signals.recv()).await {
                    Ok(Some(signal)) => batch.put(signal),
                    Ok(None) | Err(_) => break,
                }
            }
            self.deliver(batch).await;
        }
    }

    async fn deliver(&self, batch: Batch) {
        let of = &self.sender;
        let Addresses {
            traces,
            logs,
            metrics,
        } = &self.addresses;
        let spans = (batch.spans.len(), || request::traces(of, &batch.spans));
        let records = (batch.logs.len(), || request::logs(of, &batch.logs));
        let measures = (batch.measures.len(), || {
            request::metrics(of, &batch.measures)
        });
        tokio::join!(
            self.request((traces.as_ref(), Kind::Traces), spans),
            self.request((logs.as_ref(), Kind::Logs), records),
            self.request((metrics.as_ref(), Kind::Metrics), measures),
        );
    }

    async fn request(
        &self,
        (to, kind): (Option<&Address>, Kind),
        (items, body): (usize, impl FnOnce() -> Vec<u8>),
    ) {
        if items == 0 {
            return;
        }
        let items = items as u64;
        let Some(to) = to else {
            // Nobody wants it, so nothing is lost.
            self.counters.offered.fetch_sub(items, Ordering::Relaxed);
            return;
        };
        let body = body();
        let mut pause = PAUSE;
        for attempt in 1..=TRIES {
            let why = match send(to, kind, body.clone()).await {
                Ok(refused) => {
                    let not_taken = refused.items.min(items);
                    let counters = &self.counters;
                    counters.answered.store(true, Ordering::Relaxed);
                    counters
                        .sent
                        .fetch_add(items - not_taken, Ordering::Relaxed);
                    counters.refused.fetch_add(not_taken, Ordering::Relaxed);
                    if not_taken > 0 {
                        counters.trouble(refused.why);
                    }
                    return;
                }
                Err(Fault::Never(why)) => {
                    self.counters.trouble(why);
                    return;
                }
                Err(Fault::Again(why, after)) => {
                    pause = after.map_or(pause, |after| after.min(LONGEST));
                    why
                }
            };
            self.counters.trouble(why);
            // Whoever ends does not wait for another try.
            if attempt == TRIES || self.closing.is_cancelled() {
                return;
            }
            tokio::select! {
                biased;
                () = self.closing.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(LONGEST);
        }
    }
}

/// Says which of the addresses cannot be used, and why; each reason once.
#[must_use]
pub fn unusable(settings: &ExportSettings) -> Vec<String> {
    let all = [&settings.traces, &settings.logs, &settings.metrics];
    let mut why: Vec<String> = all
        .into_iter()
        .filter_map(|endpoint| Address::read(endpoint.as_ref()?).err())
        .collect();
    // The addresses differ in the path of their kind; one of them is enough to see what is wrong.
    why.truncate(1);
    why
}
