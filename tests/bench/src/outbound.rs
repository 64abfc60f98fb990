//! What a plugin's outbound call costs beside the same call by bare hyper-util: CPU time of the thread that calls, in rounds that take
//! turns. The server is a thread of its own, which is not counted.
//!
//! `outbound ROUNDS` prints a line for each round: microseconds per call, of the bare client and of tollgate's.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tollgate::outbound::{
    Allow, CallBudget, CallHead, Caller, Destination, Outbound, OutboundConfig, WholeCall,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CALLS: u32 = 400;
/// Rounds before those that count.
const WARM_UP: usize = 3;
const LENGTH: usize = 1024;

type Failure = Box<dyn std::error::Error>;
type Bare = Client<HttpConnector, Full<Bytes>>;

fn main() -> ExitCode {
    let rounds = std::env::args().nth(1).and_then(|text| text.parse().ok());
    let Some(rounds) = rounds else {
        eprintln!("usage: outbound ROUNDS");
        return ExitCode::from(64);
    };
    match measure(rounds) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("outbound: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(rounds: usize) -> Result<(), Failure> {
    let url = format!("http://{}/", serve()?);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let bare: Bare = Client::builder(TokioExecutor::new()).build(connector);
    let allow = Allow::new(vec![Destination::parse("http://127.0.0.1:*")?], Vec::new());
    // Its bound on calls of one exchange is another matter.
    let outbound = Outbound::new(OutboundConfig {
        max_calls: usize::MAX,
        ..OutboundConfig::default()
    })?;
    let caller = outbound.caller("bench", allow);
    runtime.block_on(async {
        for round in 0..rounds + WARM_UP {
            let mut times = [0.0; 2];
            // In turns, so that neither always comes first.
            for which in [round % 2, 1 - round % 2] {
                let began = cpu_time();
                for _ in 0..CALLS {
                    match which {
                        0 => call_bare(&bare, &url).await?,
                        _ => call(&caller, &url).await?,
                    }
                }
                let taken = cpu_time() - began;
                times[which] = taken.as_secs_f64() * 1e6 / f64::from(CALLS);
            }
            if round >= WARM_UP {
                println!("{:.3} {:.3}", times[0], times[1]);
            }
        }
        Ok(())
    })
}

async fn call_bare(client: &Bare, url: &str) -> Result<(), Failure> {
    let request = http::Request::get(url).header("accept", "*/*");
    let response = client.request(request.body(Full::default())?).await?;
    whole(&response.into_body().collect().await?.to_bytes())
}

async fn call(caller: &Caller, url: &str) -> Result<(), Failure> {
    let head = CallHead {
        method: "GET".to_owned(),
        uri: url.to_owned(),
        fields: vec![("accept".to_owned(), b"*/*".to_vec())],
    };
    let call = WholeCall {
        head,
        ..WholeCall::default()
    };
    let answer = caller.send(call, &CallBudget::new(0)).await?;
    whole(&answer.body)
}

fn whole(body: &[u8]) -> Result<(), Failure> {
    match body.len() {
        LENGTH => Ok(()),
        other => Err(format!("a body of {other} bytes").into()),
    }
}

/// Answers every request on every connection with the same bytes, until the process ends.
fn serve() -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream));
        }
    });
    Ok(address)
}

fn answer(mut stream: std::net::TcpStream) -> std::io::Result<()> {
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {LENGTH}\r\n\r\n");
    let response = [head.as_bytes(), &[b'x'; LENGTH]].concat();
    stream.set_nodelay(true)?;
    let (mut got, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        got.extend_from_slice(&buffer[..read]);
        if got.ends_with(b"\r\n\r\n") {
            got.clear();
            stream.write_all(&response)?;
        }
    }
}

/// CPU time of this thread, which runs both clients.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}
