//! However a stream is cut into reads, hyper gets the same bytes.

use super::*;

/// A generator that is good enough here: xorshift.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }
}

/// A random request, and whether it is a good one.
fn request(dice: &mut Dice) -> (Vec<u8>, bool) {
    let fields = "x-a: some value\r\n".repeat(dice.roll(40));
    let data = |n: usize| "0\r\n\r\nGET / HTTP/1.1\r\n".repeat(n / 16 + 1)[..n].to_owned();
    let text = match dice.roll(12) {
        0..=3 => format!(
            "GET /{} HTTP/1.1\r\nhost: a\r\n{fields}\r\n",
            "p".repeat(dice.roll(200))
        ),
        4..=6 => {
            let body = data(dice.roll(40_000));
            format!(
                "PUT / HTTP/1.1\r\nhost: a\r\n{fields}content-length: {}\r\n\r\n{body}",
                body.len()
            )
        }
        7..=9 => {
            let mut body = String::new();
            for _ in 0..dice.roll(4) {
                let chunk = data(1 + dice.roll(30_000));
                body += &format!("{:x};ext\r\n{chunk}\r\n", chunk.len());
            }
            let trailers = "x-t: u\r\n".repeat(dice.roll(3));
            format!(
                "PUT / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n{fields}\r\n{body}0\r\n{trailers}\r\n"
            )
        }
        10 => format!("\r\nGET / HTTP/1.0\r\n{fields}\r\n"),
        _ => {
            return (
                format!("GET / HTTP/1.1\r\n{fields}a: b\nc: d\r\n\r\n").into_bytes(),
                false,
            );
        }
    };
    (text.into_bytes(), true)
}

/// Writes `bytes` in pieces and reads what comes through the guard, with buffers of random sizes.
async fn through(bytes: Vec<u8>, expected: usize, dice: &mut Dice) -> Vec<u8> {
    let piece = [1, 7, 100, 5_000, 50_000][dice.roll(5)].max(bytes.len() / 2_000);
    let (mut client, server) =
        tokio::io::duplex([1, 100, 20_000, 100_000][dice.roll(4)].max(bytes.len() / 2_000));
    let seed = dice.roll(usize::MAX) as u64 | 1;
    let writer = tokio::spawn(async move {
        let mut dice = Dice(seed);
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(1 + dice.roll(piece)));
            client.write_all(now).await.unwrap();
            rest = later;
        }
        client
    });
    let (guard, _control) = guard(server, Bytes::new(), LIMITS, |_| false);
    let mut guard = TokioIo::new(guard);
    let mut got = Vec::new();
    let most = [3, 9_000, 60_000][dice.roll(3)].max(expected / 2_000);
    while got.len() < expected {
        let mut part = vec![0; 1 + dice.roll(most)];
        let n = in_time(guard.read(&mut part)).await.unwrap();
        assert!(n > 0, "ended after {} of {expected} bytes", got.len());
        got.extend_from_slice(&part[..n]);
    }
    drop(guard);
    writer.abort();
    got
}

#[tokio::test(start_paused = true)]
async fn any_cut_of_a_stream_gives_hyper_the_same_bytes() {
    for seed in 1..200u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let (mut bytes, mut expected) = (Vec::new(), Vec::new());
        for _ in 0..1 + dice.roll(6) {
            let (request, good) = request(&mut dice);
            bytes.extend_from_slice(&request);
            if !good {
                expected.extend_from_slice(
                    b"GET / HTTP/1.1\r\nhost: refused.invalid\r\nconnection: close\r\n\r\n",
                );
                break;
            }
            expected.extend_from_slice(&request);
        }
        let got = through(bytes, expected.len(), &mut dice).await;
        assert!(got == expected, "seed {seed}");
    }
}
