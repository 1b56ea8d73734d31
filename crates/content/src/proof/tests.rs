use md4::Md4;
use md5::Md5;
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use super::*;

fn proof_of(path: &str, bytes: &[u8], size: usize) -> Option<Proof> {
    let mut prover = Prover::for_path(&SitePath::new(path).unwrap(), bytes.len() as u64)?;
    bytes.chunks(size).for_each(|piece| prover.update(piece));
    prover.finish(&Sha256::digest(bytes).into(), Some(&Md5::digest(bytes).into()))
}

fn proves(path: &str, bytes: &[u8]) -> Option<(String, Algorithm, Encoding)> {
    proof_of(path, bytes, 1 << 16).map(|proof| (proof.token, proof.algorithm, proof.encoding))
}

/// What the tools named in the test made names of.
const LOGO: &[u8] = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><path d=\"M0 0h9v9z\"/></svg>\n";

#[test]
fn names_that_build_tools_wrote_are_proven() {
    use Algorithm::*;
    use Encoding::*;
    for (path, algorithm, encoding) in [
        // esbuild 0.28
        ("logo-BN4I3OKY.svg", XxHash64, Base32),
        // Rollup 4.68
        ("logo-CIQwZ6yy.svg", XxHash3Of128, Base64Url),
        ("logo-CIQwZ6yyHfO3ogLE_10do.svg", XxHash3Of128, Base64Url),
        ("logo-ico5lw0t.svg", XxHash3Of128, Base36),
        ("logo-ico5lw0t9ymo7d44sxs7k.svg", XxHash3Of128, Base36),
        ("logo-8843067acb21df3b7a202.svg", XxHash3Of128, Hex),
        ("logo-8843067a.svg", XxHash3Of128, Hex),
        // webpack 5.112, by `hashFunction` and `hashDigest`
        ("logo.0b788db958eccbe6.svg", XxHash64, Hex),
        ("logo.0b788db9.svg", XxHash64, Hex),
        ("logo.7d8ba55dac69a0443fd1.svg", Md4, Hex),
        ("logo.ec959b7f25d961a901a8.svg", Sha512, Hex),
        ("logo.pi4LKcuGx4HQ.svg", Sha256, Base64Url),
        ("logo.6a2pbj5o6ep2.svg", XxHash64, Base36),
        ("logo.2vHNPdvf29.svg", XxHash64, Base58),
        ("logo.Z3GkgLTAFM.svg", XxHash64, Base62),
    ] {
        let (token, found_algorithm, found_encoding) = proves(path, LOGO).expect(path);
        assert_eq!((found_algorithm, found_encoding), (algorithm, encoding), "{path}: {token}");
    }
    // Bun 1.4
    let proof = proof_of("logo-vwtn118n.svg", LOGO, 10).unwrap();
    assert_eq!(proof.to_string(), "`vwtn118n` is its xxHash64 of length and bytes in Crockford's base32");
    // Parcel 2.16
    let proof = proof_of("logo.91a874da.svg", LOGO, 10).unwrap();
    assert_eq!((proof.algorithm, proof.part), (XxHash3Of64, Portion::End));
    assert_eq!(proof.to_string(), "`91a874da` is the end of its xxHash3-64 in hexadecimal");
}

#[test]
fn a_name_that_its_own_file_holds_is_proven() {
    // webpack 5.112 with mini-css-extract-plugin and source maps
    let css = b"p { color: red }\n\n\n/*# sourceMappingURL=main.328ddfec17cdf4f7.css.map*/";
    let proof = proof_of("css/main.328ddfec17cdf4f7.css", css, 7).unwrap();
    assert_eq!(proof.left_out, LeftOut::Token);
    assert_eq!(
        proof.to_string(),
        "`328ddfec17cdf4f7` is its xxHash64 in hexadecimal, `328ddfec17cdf4f7` itself left out"
    );
    assert_eq!(proof_of("css/main.328ddfec17cdf4f7.txt", css, 7), None, "only scripts and styles name themselves");
    assert_eq!(proof_of("328ddfec17cdf4f7/css/main.css", css, 7).map(|proof| proof.left_out), Some(LeftOut::Token));
    // What is left out is the token that is proven, and no other one of the path.
    let js = b"//# sourceMappingURL=main.0a7c3e52d41f9b68.js.map";
    let without = hex::encode(digests::tests::digest_of(Algorithm::XxHash64, b"//# sourceMappingURL=main..js.map"));
    assert_eq!(proof_of(&format!("{without}/main.0a7c3e52d41f9b68.js"), js, 7), None);
}

#[test]
fn a_proof_says_how_its_digest_was_taken() {
    use Algorithm::*;
    let proof = |algorithm, encoding, left_out| {
        let (token, part) = ("0a7c3e52".to_owned(), Portion::Start);
        Proof { token, algorithm, encoding, part, left_out }
    };
    for (algorithm, encoding, left_out, is_taken_last, is_of_real_content) in [
        (Sha256, Encoding::Hex, LeftOut::Nothing, true, false),
        (Sha256, Encoding::Hex, LeftOut::MapComment, false, false),
        (Md5, Encoding::Base62, LeftOut::Nothing, true, false),
        (XxHash64, Encoding::Hex, LeftOut::Nothing, false, true),
        (XxHash64, Encoding::Base32, LeftOut::Nothing, false, false),
        (XxHash64, Encoding::Hex, LeftOut::Token, false, true),
        (Md4, Encoding::Hex, LeftOut::Nothing, false, true),
        (Md4, Encoding::Base64Url, LeftOut::Token, false, true),
        (XxHash3Of128, Encoding::Hex, LeftOut::Nothing, false, false),
    ] {
        let proof = proof(algorithm, encoding, left_out);
        assert_eq!((proof.is_taken_last(), proof.is_of_real_content()), (is_taken_last, is_of_real_content), "{proof}");
    }
    let json = |left_out| serde_json::to_value(proof(Sha256, Encoding::Hex, left_out)).unwrap();
    assert_eq!(json(LeftOut::Nothing).get("left_out"), None);
    assert_eq!(json(LeftOut::Token)["left_out"], "token");
}

#[test]
fn an_md5_is_wanted_where_a_token_may_be_one() {
    let wants = |path: &str| Prover::for_path(&SitePath::new(path).unwrap(), 0).unwrap().wants_md5();
    assert!(wants("logo-8843067a.svg"));
    assert!(!wants(&format!("{}.svg", "0b788db9".repeat(16))), "128 digits are a SHA-512");
}

#[test]
fn a_script_is_proven_by_what_comes_before_the_comment_that_names_its_map() {
    let of = |path: &str, bytes: &str| without_map_comment(&SitePath::new(path).unwrap(), bytes.as_bytes());
    let hashed = |bytes: &str| {
        let digest = hex::encode(Sha256::digest(bytes));
        digest[..8].to_owned()
    };
    let (script, style) = ("console.log(1);", "p{color:red}");
    let (js, css) = (format!("a/index.{}.js", hashed(script)), format!("a/index.{}.css", hashed(style)));
    let map = js.trim_start_matches("a/");
    let proof = of(&js, &format!("{script}\n//# sourceMappingURL={map}.map")).unwrap();
    assert_eq!((proof.algorithm, proof.part, proof.left_out), (Algorithm::Sha256, Portion::Start, LeftOut::MapComment));
    assert!(proof.to_string().ends_with("in hexadecimal, the comment that names its source map left out"));
    let map = css.trim_start_matches("a/");
    assert!(of(&css, &format!("{style}\n/*# sourceMappingURL={map}.map */")).is_some());
    // What could change under the same name: another map, another place, other bytes before or after.
    let map = js.trim_start_matches("a/");
    for bytes in [
        script.to_owned(),
        format!("{script}\n//# sourceMappingURL=index.0a7c3e52.js.map"),
        format!("{script}\n//# sourceMappingURL=https://maps.example/{map}.map"),
        format!("{script} \n//# sourceMappingURL={map}.map"),
        format!("{script}\n//# sourceMappingURL={map}.map\nconsole.log(2)"),
    ] {
        assert_eq!(of(&js, &bytes), None, "{bytes}");
    }
    assert_eq!(of(&js.replace(".js", ".txt"), &format!("{script}\n//# sourceMappingURL={map}.map")), None);
}

#[test]
fn seven_hexadecimal_digits_count_where_two_files_have_them() {
    let md5 = |bytes: &[u8]| hex::encode(Md5::digest(bytes));
    let texts: Vec<Vec<u8>> = (0..9_u8).map(|text| vec![text]).collect();
    let proofs: Vec<Proof> =
        texts.iter().filter_map(|text| proof_of(&format!("img/card.{}.png", &md5(text)[..7]), text, 10)).collect();
    assert_eq!(proofs.len(), 9, "{proofs:?}");
    assert!(proofs.iter().all(|proof| proof.token.len() == 7 && !proof.is_unlikely_by_chance()));
    let key = (Algorithm::Md5, Encoding::Hex, Portion::Start, 7);
    assert_eq!(schemes_in_use(proofs.iter()), [key].into());
    assert_eq!(schemes_in_use(proofs[..1].iter()), [].into());
    assert_eq!(schemes_in_use([&proofs[0], &proofs[0]].into_iter()), [].into(), "the same bytes are one hit");
    let other = Proof { algorithm: Algorithm::Sha256, ..proofs[1].clone() };
    assert_eq!(schemes_in_use([&proofs[0], &other].into_iter()), [].into());
    let long = Proof { token: "0a7c3e52".to_owned(), ..proofs[1].clone() };
    let eight = (Algorithm::Md5, Encoding::Hex, Portion::Start, 8);
    assert_eq!(schemes_in_use([&proofs[0], &long].into_iter()), [eight].into(), "another length is another scheme");
}

#[test]
fn what_only_looks_like_a_digest_is_not_proven() {
    for path in [
        "logo-deadbeef.png",
        "brochure-DOWNLOAD.pdf",
        "report-20240115.pdf",
        "jquery-3.7.1.min.js",
        "IMG_20230101.jpg",
        "hero-PLroEnow.png",
        "550e8400-e29b-41d4-a716-446655440000.pdf",
        "_downloads/0b788db958eccbe60b788db958eccbe7/logo.svg",
        "assets/js/0b788dba.ec959b7e.js",
    ] {
        assert_eq!(proves(path, LOGO), None, "{path}");
    }
}

#[test]
fn a_path_without_a_candidate_costs_nothing() {
    for path in ["index.html", "app.js", "css/site.css", "2024/01/15/", "20240115.pdf", "jquery.js"] {
        assert!(Prover::for_path(&SitePath::new(path.trim_end_matches('/')).unwrap(), 0).is_none(), "{path}");
    }
}

#[test]
fn a_word_costs_no_slow_algorithm_and_a_long_digest_only_its_own() {
    let algorithms = |path: &str| {
        let mut found: Vec<Algorithm> =
            candidates(&SitePath::new(path).unwrap()).iter().map(|candidate| candidate.scheme.algorithm).collect();
        found.sort_unstable();
        found.dedup();
        found
    };
    let slow = [Algorithm::Md4, Algorithm::Sha1, Algorithm::Sha384, Algorithm::Sha512];
    for path in ["components.js", "assets/index-BJsxdCdh.js", "my-web-component.css", "facade-deadbeef.png"] {
        assert!(algorithms(path).iter().all(|algorithm| !slow.contains(algorithm)), "{path}");
    }
    let sha1 = "a9993e364706816aba3e25717850c26c9cd0d89d";
    let found = algorithms(&format!("{sha1}.js"));
    assert!(found.iter().filter(|algorithm| slow.contains(algorithm)).eq([&Algorithm::Sha1]), "{found:?}");
}

proptest! {
    #[test]
    fn a_name_is_proven_by_its_bytes_and_by_no_others(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        other in proptest::collection::vec(any::<u8>(), 0..400),
        length in 8..=64_usize,
        size in 1..50_usize,
        form in prop::sample::select(vec!["a/x-{}.js", "{}/x.css", "{}", "x.{}.min.js.map", "x_{}_y~1.png", "w@{}+a.woff2"]),
    ) {
        prop_assume!(bytes != other);
        let digest = hex::encode(Sha256::digest(&bytes));
        let token = &digest[..length];
        prop_assume!(token.bytes().any(|byte| byte.is_ascii_alphabetic()));
        let path = form.replace("{}", token);
        let proof = proof_of(&path, &bytes, size).unwrap();
        prop_assert_eq!((proof.token.as_str(), proof.algorithm), (token, Algorithm::Sha256));
        prop_assert_eq!(proof_of(&path, &other, size), None);
    }
}

#[test]
fn a_number_that_webpack_4_made_is_proven_like_its_other_names() {
    let md4 = |bytes: &[u8]| hex::encode(Md4::digest(bytes));
    let texts = (0..10_000_u32).map(|text| text.to_be_bytes());
    let is_number = |text: &[u8; 4]| md4(text)[..8].bytes().all(|byte| byte.is_ascii_digit());
    let text = texts.clone().find(is_number).unwrap();
    let number = proof_of(&format!("static/media/card.{}.png", &md4(&text)[..8]), &text, 4).unwrap();
    assert!(number.algorithm == Algorithm::Md4 && !number.is_unlikely_by_chance(), "{number:?}");
    let other = proof_of(&format!("static/media/a.{}.png", &md4(b"other")[..8]), b"other", 5).unwrap();
    assert!(!schemes_in_use([&number].into_iter()).contains(&number.scheme()));
    assert!(schemes_in_use([&number, &other].into_iter()).contains(&number.scheme()));
}
