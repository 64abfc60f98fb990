//! One run of a row: a client before the proxy and a backend behind it say what the row says, and nothing else may come.

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tollgate_tests::patience;

use super::backend::{Arrival, Fate};
use super::message::{self, Heard};
use super::socket::{Cut, Side, connect, hear, hear_end, next_address, pieces, send};
use super::stage::{PROBE, PROBED, Stage};
use super::table::{Row, Step};

/// Plays a row. Tells the fate of the backend's connection, if one was in use at the end.
///
/// # Errors
/// Says what was not as the row has it.
pub async fn play(
    stage: &Stage,
    row: &Row,
    cut: Cut,
) -> Result<Option<watch::Receiver<Fate>>, String> {
    let address = next_address();
    let (mut client, mut backend) = (Heard::new(address), Heard::new(address));
    let (of_client, of_backend) = (
        with_probe(row, Side::Client),
        with_probe(row, Side::Backend),
    );
    let (say, said) = watch::channel(false);
    let mut player = BackendSide::new(stage, row, cut, &mut backend, say);
    let played = {
        let as_client = async {
            let socket = connect(stage.proxy, address).await;
            let mut player = ClientSide {
                said,
                socket,
                heard: &mut client,
                cut,
                sent: 0,
            };
            let result = player.play(&of_client).await;
            result.map(|()| player.socket)
        };
        tokio::try_join!(as_client, player.play(&of_backend))
    };
    let result = played.and_then(|(socket, fate)| {
        // Leaves no socket behind that would be listed for a minute.
        let _ = socket.set_zero_linger();
        // Those of a request that breaks off go elsewhere.
        match player.arrivals.try_recv() {
            Ok(arrival) => Err(format!(
                "the backend got more: {}",
                arrival.got.escape_ascii()
            )),
            Err(_) => Ok(fate),
        }
    });
    result.map_err(|why| {
        let shown = |heard: &Heard, mark| {
            let expected = heard
                .plain_expected()
                .iter()
                .map(|bytes| shown(bytes, mark))
                .collect::<Vec<_>>()
                .join("or\n");
            let got = shown(&heard.plain_got(), mark);
            format!("expected\n{expected}got\n{got}")
        };
        format!(
            "{}, {cut:?}: {why}\nthe client {}the backend {}",
            row.name,
            shown(&client, "<"),
            shown(&backend, ">>")
        )
    })
}

/// A row's steps of one side, with a last request if the client's connection goes on.
fn with_probe(row: &Row, side: Side) -> Vec<Step> {
    let mut steps = match side {
        Side::Client => row.client.clone(),
        Side::Backend => row.backend.clone(),
    };
    if matches!(row.client.last(), Some(Step::Ended { .. } | Step::End)) {
        return steps;
    }
    let (request, response) = (PROBE.to_vec(), PROBED.to_vec());
    steps.extend(match side {
        Side::Client => [Step::Send(request), Step::Get(vec![response])],
        Side::Backend => [Step::Get(vec![request]), Step::Send(response)],
    });
    steps
}

struct ClientSide<'a> {
    /// Whether the backend has said all that it has to say.
    said: watch::Receiver<bool>,
    socket: TcpStream,
    heard: &'a mut Heard,
    cut: Cut,
    /// Bytes so far.
    sent: usize,
}

impl ClientSide<'_> {
    async fn play(&mut self, steps: &[Step]) -> Result<(), String> {
        for step in steps {
            match step {
                Step::Send(bytes) => {
                    if bytes == PROBE {
                        // What comes unasked for must have come before.
                        let _ = self.said.wait_for(|said| *said).await;
                    }
                    let pieces = pieces(bytes, self.sent, self.cut, Side::Client);
                    self.sent += bytes.len();
                    send(&mut self.socket, &pieces).await?;
                }
                Step::End => {
                    let _ = self.socket.shutdown().await;
                }
                Step::Get(either) => {
                    self.heard.expect(either);
                    // What may break off is looked at when it has.
                    if !matches!(steps.last(), Some(Step::Ended { early: true })) {
                        hear(&mut self.socket, self.heard).await?;
                    }
                }
                Step::Ended { early } => {
                    hear_end(&mut self.socket, self.heard).await?;
                    let is_right = self.heard.is_all() || (*early && self.heard.begins());
                    if !is_right {
                        return Err("the client's connection ended otherwise".to_owned());
                    }
                }
            }
        }
        Ok(())
    }
}

struct BackendSide<'a> {
    stage: &'a Stage,
    arrivals: mpsc::UnboundedReceiver<Arrival>,
    current: Option<Arrival>,
    heard: &'a mut Heard,
    cut: Cut,
    sent: usize,
    say: watch::Sender<bool>,
}

impl<'a> BackendSide<'a> {
    fn new(
        stage: &'a Stage,
        row: &Row,
        cut: Cut,
        heard: &'a mut Heard,
        say: watch::Sender<bool>,
    ) -> Self {
        let arrivals = stage.backend.expect(heard.client);
        if row.backend.contains(&Step::Ended { early: true }) {
            for step in &row.backend {
                if let Step::Get(either) = step {
                    heard.expect(either);
                }
            }
            stage.backend.expect_beginnings(heard.clone());
        }
        Self {
            stage,
            arrivals,
            current: None,
            heard,
            cut,
            sent: 0,
            say,
        }
    }

    async fn play(&mut self, steps: &[Step]) -> Result<Option<watch::Receiver<Fate>>, String> {
        let mut last = None;
        if steps.contains(&Step::Ended { early: true }) {
            // Seen to by the backend: it may come at any time.
            self.say.send_replace(true);
            return Ok(None);
        }
        let says = |step: &Step| {
            matches!(step, Step::End) || matches!(step, Step::Send(bytes) if bytes != PROBED)
        };
        for (index, step) in steps.iter().enumerate() {
            if !steps[index..].iter().any(says) {
                self.say.send_replace(true);
            }
            match step {
                Step::Get(either) => {
                    if either.iter().any(|bytes| is_request(bytes)) {
                        last = self.current.take().map(Arrival::release).or(last);
                        self.current = Some(self.arrival().await?);
                        self.heard.expected = vec![Vec::new()];
                        self.heard.got.clear();
                    }
                    self.heard.expect(either);
                    self.hear().await?;
                }
                Step::Send(bytes) => {
                    let pieces = pieces(bytes, self.sent, self.cut, Side::Backend);
                    self.sent += bytes.len();
                    send(&mut self.connection()?.stream, &pieces).await?;
                }
                Step::End => {
                    let _ = self.connection()?.stream.shutdown().await;
                }
                Step::Ended { .. } => {
                    let fate = self.current.take().map(Arrival::release);
                    let fate = fate.ok_or("there is no connection to end")?;
                    self.stage.find_fate(fate, Fate::Closed).await?;
                }
            }
        }
        self.say.send_replace(true);
        Ok(self.current.take().map(Arrival::release).or(last))
    }

    fn connection(&mut self) -> Result<&mut Arrival, String> {
        self.current
            .as_mut()
            .ok_or_else(|| "the backend has no connection".to_owned())
    }

    async fn arrival(&mut self) -> Result<Arrival, String> {
        match timeout(patience(), self.arrivals.recv()).await {
            Ok(Some(arrival)) => Ok(arrival),
            _ => Err("no request reached the backend".to_owned()),
        }
    }

    async fn hear(&mut self) -> Result<(), String> {
        let arrival = self
            .current
            .as_mut()
            .ok_or("the backend has no connection")?;
        self.heard.got = std::mem::take(&mut arrival.got);
        let result = hear(&mut arrival.stream, self.heard).await;
        arrival.got.clone_from(&self.heard.got);
        result
    }
}

fn is_request(bytes: &[u8]) -> bool {
    let line = message::find(bytes, b"\r\n").map(|end| &bytes[..end]);
    line.is_some_and(message::is_request_line)
}

/// Bytes as a table has them.
fn shown(bytes: &[u8], mark: &str) -> String {
    let mut text = String::new();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let (line, end) = match line.strip_suffix(b"\r\n") {
            Some(line) => (line, ""),
            None => (line, "\\"),
        };
        let line = line
            .escape_ascii()
            .to_string()
            .replace("\\'", "'")
            .replace("\\\"", "\"")
            .replace("\\xe2\\x80\\xa6", "…");
        let space = if line.is_empty() && end.is_empty() {
            ""
        } else {
            " "
        };
        text.extend([mark, space, &line, end, "\n"]);
    }
    text
}
