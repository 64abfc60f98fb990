//! However a stream of requests is cut into reads, the exchanges get the same requests.

use super::*;
use crate::message::dice::Dice;

/// A random request, and what an exchange sees of it; none if it must not be served.
fn request(dice: &mut Dice) -> (Vec<u8>, Option<String>) {
    let fields = "x-a: some value\r\n".repeat(dice.roll(40));
    let data = |n: usize| "0\r\n\r\nGET / HTTP/1.1\r\n".repeat(n / 16 + 1)[..n].to_owned();
    match dice.roll(12) {
        0..=3 => {
            let target = format!("/{}", "p".repeat(dice.roll(200)));
            let text = format!("GET {target} HTTP/1.1\r\nhost: a\r\n{fields}\r\n");
            (text.into(), Some(format!("GET {target} {:?} 0", "")))
        }
        4..=6 => {
            let body = data(dice.roll(40_000));
            let length = body.len();
            let text = format!(
                "PUT / HTTP/1.1\r\nhost: a\r\n{fields}content-length: {length}\r\n\r\n{body}"
            );
            (text.into(), Some(format!("PUT / {body:?} 0")))
        }
        7..=9 => {
            let (mut body, mut whole) = (String::new(), String::new());
            for _ in 0..dice.roll(4) {
                let chunk = data(1 + dice.roll(30_000));
                body += &format!("{:x};ext\r\n{chunk}\r\n", chunk.len());
                whole += &chunk;
            }
            let count = dice.roll(3);
            let trailers = "x-t: u\r\n".repeat(count);
            let text = format!(
                "PUT / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n{fields}\r\n{body}0\r\n{trailers}\r\n"
            );
            (text.into(), Some(format!("PUT / {whole:?} {count}")))
        }
        10 => {
            let text = format!("\r\nGET /old HTTP/1.0\r\nconnection: keep-alive\r\n{fields}\r\n");
            (text.into(), Some(format!("GET /old {:?} 0", "")))
        }
        _ => {
            let text = format!("GET / HTTP/1.1\r\n{fields}a: b\nc: d\r\n\r\n");
            (text.into(), None)
        }
    }
}

#[tokio::test(start_paused = true)]
async fn any_cut_of_a_stream_gives_the_same_requests() {
    for seed in 1..150 {
        let mut dice = Dice::new(seed);
        let (mut bytes, mut expected) = (Vec::new(), Vec::new());
        for _ in 0..1 + dice.roll(6) {
            let (request, seen) = request(&mut dice);
            bytes.extend_from_slice(&request);
            match seen {
                Some(seen) => expected.push(seen),
                None => {
                    expected.push("refused: Field(LineEnd)".to_owned());
                    break;
                }
            }
        }
        let piece = [1, 7, 100, 5_000, 50_000][dice.roll(5)].max(bytes.len() / 2_000);
        let pipe = [1, 100, 20_000, 100_000][dice.roll(4)].max(bytes.len() / 2_000);
        let (client, io) = tokio::io::duplex(pipe);
        let server = serve(io, b"");
        let (mut read, mut write) = tokio::io::split(client);
        let writing = tokio::spawn(async move {
            for piece in bytes.chunks(piece) {
                // After a refusal nobody reads to the end.
                if write.write_all(piece).await.is_err() {
                    break;
                }
            }
            let _ = write.shutdown().await;
        });
        let mut all = Vec::new();
        in_time(read.read_to_end(&mut all)).await.unwrap();
        let short = |log: &[String]| -> Vec<String> {
            log.iter()
                .map(|line| line.chars().take(60).collect())
                .collect()
        };
        let (log, all) = (server.log(), String::from_utf8_lossy(&all).len());
        assert!(
            log == expected,
            "seed {seed}: {all} {:?} {:?}",
            short(&log),
            short(&expected)
        );
        writing.abort();
    }
}
