//! Names in people's own voices: kept, heard and erased over HTTP.

use std::io::Cursor;

use axum::{body::Body, http::Request};
use hound::{SampleFormat, WavReader, WavSpec, WavWriter};

use crate::world::{Answer, Asker, World};

/// A WAV file of a tone at 44.1 kHz, stereo.
fn wav(hz: f32, seconds: f32) -> Vec<u8> {
    let spec = WavSpec {
        channels: 2,
        sample_rate: 44_100,
        bits_per_sample: 16,
        sample_format: SampleFormat::Int,
    };
    let mut file = Cursor::new(Vec::new());
    let mut writer = WavWriter::new(&mut file, spec).unwrap();
    for n in 0..(44_100.0 * seconds) as usize {
        let sample = (std::f32::consts::TAU * hz * n as f32 / 44_100.0).sin() * 3_000.0;
        for _ in 0..2 {
            writer.write_sample(sample as i16).unwrap();
        }
    }
    writer.finalize().unwrap();
    file.into_inner()
}

async fn upload(world: &World, who: &Asker, path: &str, file: Vec<u8>) -> Answer {
    let (mut parts, _) = who.request("PUT", path, None).into_parts();
    parts
        .headers
        .insert("content-type", "audio/wav".parse().unwrap());
    world
        .send(Request::from_parts(parts, Body::from(file)))
        .await
}

async fn path_of(world: &World, name: &str) -> String {
    let person = world.employee(name).await;
    format!("/api/v1/people/{person}/recorded-name")
}

async fn is_recorded(world: &World, who: &Asker, name: &str) -> bool {
    let people = world.get(who, "/api/v1/people").await.json();
    let mut people = people.as_array().unwrap().iter();
    let person = people.find(|person| person["name"] == name).unwrap();
    person["recorded_name"].as_bool().unwrap()
}

#[tokio::test]
async fn a_name_is_uploaded_heard_by_colleagues_and_erased() {
    let world = World::new().await;
    let (irina, oleg) = (world.irina().await, world.oleg().await);
    let path = path_of(&world, "Oleg Sorokin").await;
    assert!(!is_recorded(&world, &irina, "Oleg Sorokin").await);
    assert_eq!(world.get(&irina, &path).await.refusal(), "404 not_found");

    let kept = upload(&world, &oleg, &path, wav(440.0, 2.0)).await;
    assert_eq!(kept.status, 204, "{}", kept.text);

    assert_eq!(world.live.told(), ["a recorded name changed"]);
    assert!(is_recorded(&world, &irina, "Oleg Sorokin").await);
    assert!(!is_recorded(&world, &irina, "Irina Belova").await);
    let heard = world.get(&irina, &path).await;
    assert_eq!(heard.status, 200);
    assert_eq!(heard.headers["content-type"], "audio/wav");
    let reader = WavReader::new(&heard.bytes[..]).unwrap();
    let spec = reader.spec();
    assert_eq!(
        (spec.channels, spec.sample_rate, spec.bits_per_sample),
        (1, 16_000, 16)
    );
    assert!((30_000..34_000).contains(&reader.duration()));

    let erased = world.ask(&oleg, "DELETE", &path, None).await;
    assert_eq!(erased.status, 204);
    assert!(!is_recorded(&world, &irina, "Oleg Sorokin").await);
    let again = world.ask(&oleg, "DELETE", &path, None).await;
    assert_eq!(again.refusal(), "404 not_found");
}

#[tokio::test]
async fn an_administrator_keeps_and_erases_everybodys_name_and_others_their_own() {
    let world = World::new().await;
    let (irina, oleg) = (world.irina().await, world.oleg().await);
    let others = path_of(&world, "Irina Belova").await;
    let not_his = upload(&world, &oleg, &others, wav(440.0, 1.0)).await;
    assert_eq!(not_his.refusal(), "403 not_allowed");

    let path = path_of(&world, "Nobody's Desk").await;
    assert_eq!(
        upload(&world, &irina, &path, wav(440.0, 1.0)).await.status,
        204
    );
    let not_his = world.ask(&oleg, "DELETE", &path, None).await;
    assert_eq!(not_his.refusal(), "403 not_allowed");
    assert_eq!(world.ask(&irina, "DELETE", &path, None).await.status, 204);
}

#[tokio::test]
async fn what_is_no_name_is_refused_with_its_reason_and_the_old_one_stays() {
    let world = World::new().await;
    let irina = world.irina().await;
    let path = path_of(&world, "Irina Belova").await;
    upload(&world, &irina, &path, wav(440.0, 1.0)).await;
    let kept = world.get(&irina, &path).await.bytes;

    let mut said = Vec::new();
    for file in [
        b"ID3\x04\x00 an MP3".to_vec(),
        wav(440.0, 10.5),
        wav(0.0, 1.0),
        vec![0; 4 * 1024 * 1024 + 1],
    ] {
        let refused = upload(&world, &irina, &path, file).await;
        let message = refused.json()["message"].as_str().unwrap().to_owned();
        said.push(format!("{}: {message}", refused.refusal()));
    }

    assert_eq!(
        said,
        [
            "422 bad_sound: This sound cannot be a name: it is not a WAV file of PCM samples.",
            "422 bad_sound: This sound cannot be a name: it lasts 11 s, and a name lasts 10 s at most.",
            "422 bad_sound: This sound cannot be a name: nothing is heard in it.",
            "413 body_too_large: The request is larger than 4096 kB.",
        ]
    );
    assert_eq!(world.get(&irina, &path).await.bytes, kept);
}

#[tokio::test]
async fn another_companys_names_are_not_there() {
    let world = World::new().await;
    let (irina, anna) = (world.irina().await, world.anna().await);
    let path = path_of(&world, "Irina Belova").await;
    upload(&world, &irina, &path, wav(440.0, 1.0)).await;

    for refused in [
        world.get(&anna, &path).await,
        upload(&world, &anna, &path, wav(440.0, 1.0)).await,
        world.ask(&anna, "DELETE", &path, None).await,
    ] {
        assert_eq!(refused.refusal(), "404 not_found");
    }
    let nobody = world.get(&world.nobody(), &path).await;
    assert_eq!(nobody.refusal(), "401 not_signed_in");
    assert!(is_recorded(&world, &irina, "Irina Belova").await);
}

#[tokio::test]
async fn the_name_of_whoever_leaves_the_company_goes_with_him() {
    use rollcall::web::Live;

    let world = World::new().await;
    let irina = world.irina().await;
    for name in ["Irina Belova", "Oleg Sorokin"] {
        let path = path_of(&world, name).await;
        upload(&world, &irina, &path, wav(440.0, 1.0)).await;
    }
    let oleg = world.employee("Oleg Sorokin").await;
    let left = world.without("Oleg Sorokin").await;

    let names = world.live.recorded_names();
    names.follow(&left).await;

    assert!(!names.has(oleg));
    assert!(is_recorded(&world, &irina, "Irina Belova").await);
    names.follow(&store::Directory::default()).await;
    assert!(
        is_recorded(&world, &irina, "Irina Belova").await,
        "an empty database is more often the wrong one"
    );
}
