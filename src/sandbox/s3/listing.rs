//! Listings of objects, uploads and parts, in UTF-8 byte order.

use std::ops::Bound;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::dto::*;
use s3s::{S3Response, S3Result, s3_error};

use super::multipart;
use super::objects::{modified, show_checksum};
use crate::sandbox::object::Object as Stored;
use crate::sandbox::store::{Store, find};

/// The most entries of one page (AWS.md 4.4).
const MAX_PAGE: i32 = 1_000;

/// The characters that `encoding-type=url` does not encode; a space becomes `+`.
const ENCODED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b'/').remove(b' ');

/// Where the next page begins.
enum Position {
    After(String),
    From(String),
    End,
}

impl Position {
    fn bound(&self) -> Option<Bound<&str>> {
        match self {
            Position::After(key) => Some(Bound::Excluded(key)),
            Position::From(key) => Some(Bound::Included(key)),
            Position::End => None,
        }
    }

    fn token(&self) -> Option<String> {
        let (mark, key) = match self {
            Position::After(key) => ('>', key),
            Position::From(key) => ('=', key),
            Position::End => return None,
        };
        Some(STANDARD.encode(format!("{mark}{key}")))
    }

    fn from_token(token: &str) -> S3Result<Position> {
        let text = STANDARD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let position = text.as_deref().and_then(|text| {
            text.strip_prefix('>')
                .map(|key| Position::After(key.to_owned()))
                .or_else(|| text.strip_prefix('=').map(|key| Position::From(key.to_owned())))
        });
        position.ok_or_else(|| s3_error!(InvalidArgument, "The continuation token provided is incorrect"))
    }
}

/// `ListObjectsV2`. A page costs in proportion to its content, wherever it begins and whatever its common prefixes hide.
pub(super) fn objects(store: &Store, input: ListObjectsV2Input) -> S3Result<S3Response<ListObjectsV2Output>> {
    let max_keys = page_size(input.max_keys, "maxKeys")?;
    let prefix = input.prefix.clone().unwrap_or_default();
    let delimiter = input.delimiter.clone().filter(|delimiter| !delimiter.is_empty());
    let encode = encoder(input.encoding_type.as_ref())?;
    let mut position = match (&input.continuation_token, &input.start_after) {
        (Some(token), _) => Position::from_token(token)?,
        (None, Some(key)) if key.as_str() >= prefix.as_str() => Position::After(key.clone()),
        _ => Position::From(prefix.clone()),
    };
    let (mut contents, mut prefixes) = (Vec::new(), Vec::new());
    let mut truncated = false;
    {
        let mut buckets = store.lock();
        let state = find(&mut buckets, &input.bucket)?;
        while let Some(bound) = position.bound() {
            let next = Store::next_object(state, bound).filter(|(key, _)| key.starts_with(&prefix));
            let Some((key, object)) = next else { break };
            if contents.len() + prefixes.len() == max_keys {
                truncated = max_keys > 0;
                break;
            }
            match common_prefix(&key, &prefix, delimiter.as_deref()) {
                Some(common) => {
                    position = after_all_with(common).map_or(Position::End, Position::From);
                    let skipped = input.start_after.as_deref().is_some_and(|start| common <= start);
                    if !(skipped && input.continuation_token.is_none()) {
                        prefixes.push(CommonPrefix { prefix: Some(encode(common)) });
                    }
                }
                None => {
                    contents.push(entry(&encode(&key), &object));
                    position = Position::After(key);
                }
            }
        }
    }
    let key_count = i32::try_from(contents.len() + prefixes.len()).unwrap_or(MAX_PAGE);
    Ok(S3Response::new(ListObjectsV2Output {
        name: Some(input.bucket),
        prefix: Some(encode(&prefix)),
        delimiter: delimiter.as_deref().map(&encode),
        max_keys: Some(i32::try_from(max_keys).unwrap_or(MAX_PAGE)),
        key_count: Some(key_count),
        is_truncated: Some(truncated),
        continuation_token: input.continuation_token,
        next_continuation_token: if truncated { position.token() } else { None },
        start_after: input.start_after.as_deref().map(&encode),
        encoding_type: input.encoding_type,
        contents: Some(contents),
        common_prefixes: Some(prefixes),
        ..ListObjectsV2Output::default()
    }))
}

/// `ListParts`.
pub(super) fn parts(store: &Store, input: ListPartsInput) -> S3Result<S3Response<ListPartsOutput>> {
    let max_parts = page_size(input.max_parts, "max-parts")?;
    let marker = input.part_number_marker.unwrap_or(0);
    let mut buckets = store.lock();
    let upload = multipart::upload(find(&mut buckets, &input.bucket)?, &input.key, &input.upload_id)?;
    let mut shown = Vec::new();
    let mut rest = upload.parts.range((Bound::Excluded(marker), Bound::Unbounded));
    for (number, kept) in rest.by_ref().take(max_parts) {
        let mut part = Part {
            part_number: Some(*number),
            e_tag: Some(ETag::Strong(kept.etag.clone())),
            size: i64::try_from(kept.content.len).ok(),
            last_modified: Some(Timestamp::from(std::time::SystemTime::from(kept.last_modified))),
            ..Part::default()
        };
        show_checksum!(part, kept.checksum);
        shown.push(part);
    }
    Ok(S3Response::new(ListPartsOutput {
        checksum_algorithm: Some(ChecksumAlgorithm::from(upload.algorithm.name().to_owned())),
        checksum_type: Some(ChecksumType::from(upload.kind.name().to_owned())),
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(input.upload_id),
        part_number_marker: Some(marker),
        next_part_number_marker: shown.last().and_then(|part| part.part_number),
        max_parts: i32::try_from(max_parts).ok(),
        is_truncated: Some(rest.next().is_some()),
        parts: Some(shown),
        ..ListPartsOutput::default()
    }))
}

/// `ListMultipartUploads`, by key and then by id. Delimiters are not modelled.
pub(super) fn uploads(
    store: &Store,
    input: ListMultipartUploadsInput,
) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
    if input.delimiter.as_deref().is_some_and(|delimiter| !delimiter.is_empty()) {
        return Err(s3_error!(NotImplemented, "Delimiters are not implemented here"));
    }
    let max_uploads = page_size(input.max_uploads, "max-uploads")?;
    let encode = encoder(input.encoding_type.as_ref())?;
    let prefix = input.prefix.clone().unwrap_or_default();
    let mut buckets = store.lock();
    let state = find(&mut buckets, &input.bucket)?;
    let mut found: Vec<_> = state
        .uploads
        .values()
        .filter(|upload| upload.key.starts_with(&prefix))
        .filter(|upload| match (&input.key_marker, &input.upload_id_marker) {
            (Some(key), Some(id)) => (&upload.key, &upload.id) > (key, id),
            (Some(key), None) => upload.key > *key,
            _ => true,
        })
        .collect();
    found.sort_by(|one, other| (&one.key, &one.id).cmp(&(&other.key, &other.id)));
    let truncated = found.len() > max_uploads;
    found.truncate(max_uploads);
    let last = found.last().filter(|_| truncated);
    let entry = |upload: &&crate::sandbox::uploads::Upload| MultipartUpload {
        key: Some(encode(&upload.key)),
        upload_id: Some(upload.id.clone()),
        initiated: Some(Timestamp::from(std::time::SystemTime::from(upload.initiated))),
        checksum_algorithm: Some(ChecksumAlgorithm::from(upload.algorithm.name().to_owned())),
        checksum_type: Some(ChecksumType::from(upload.kind.name().to_owned())),
        storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
        ..MultipartUpload::default()
    };
    Ok(S3Response::new(ListMultipartUploadsOutput {
        next_key_marker: last.map(|upload| encode(&upload.key)),
        next_upload_id_marker: last.map(|upload| upload.id.clone()),
        uploads: Some(found.iter().map(entry).collect()),
        bucket: Some(input.bucket),
        prefix: Some(encode(&prefix)),
        key_marker: input.key_marker.as_deref().map(&encode),
        upload_id_marker: input.upload_id_marker,
        encoding_type: input.encoding_type,
        is_truncated: Some(truncated),
        max_uploads: i32::try_from(max_uploads).ok(),
        ..ListMultipartUploadsOutput::default()
    }))
}

fn entry(key: &str, object: &Stored) -> Object {
    Object {
        key: Some(key.to_owned()),
        size: i64::try_from(object.content.len).ok(),
        e_tag: Some(ETag::Strong(object.etag.clone())),
        last_modified: Some(modified(object)),
        storage_class: Some(match &object.storage_class {
            None => ObjectStorageClass::from_static(ObjectStorageClass::STANDARD),
            Some(class) => ObjectStorageClass::from(class.clone()),
        }),
        checksum_algorithm: Some(vec![ChecksumAlgorithm::from(object.checksum.algorithm.name().to_owned())]),
        checksum_type: object.checksum.to_dto().checksum_type,
        ..Object::default()
    }
}

fn page_size(asked: Option<i32>, name: &str) -> S3Result<usize> {
    usize::try_from(asked.unwrap_or(MAX_PAGE).min(MAX_PAGE))
        .map_err(|_| s3_error!(InvalidArgument, "Argument {name} must be an integer between 0 and 2147483647"))
}

fn encoder(encoding: Option<&EncodingType>) -> S3Result<impl Fn(&str) -> String + use<>> {
    let url = match encoding.map(EncodingType::as_str) {
        None => false,
        Some("url") => true,
        Some(_) => {
            return Err(s3_error!(InvalidArgument, "Invalid Encoding Method specified in Request"));
        }
    };
    Ok(
        move |text: &str| {
            if url { utf8_percent_encode(text, ENCODED).to_string().replace(' ', "+") } else { text.to_owned() }
        },
    )
}

fn common_prefix<'a>(key: &'a str, prefix: &str, delimiter: Option<&str>) -> Option<&'a str> {
    let delimiter = delimiter?;
    let at = key[prefix.len()..].find(delimiter)?;
    Some(&key[..prefix.len() + at + delimiter.len()])
}

/// The least text that sorts after all texts with this `prefix`; `None` if there is none.
fn after_all_with(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        // Surrogates are not characters: U+D7FF is followed by U+E000.
        let next = match last {
            '\u{D7FF}' => Some('\u{E000}'),
            _ => char::from_u32(u32::from(last) + 1),
        };
        if let Some(next) = next {
            text.push(next);
            return Some(text);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::after_all_with;

    #[test]
    fn the_text_after_a_prefix_sorts_after_all_it_begins() {
        assert_eq!(after_all_with("a/").as_deref(), Some("a0"));
        assert_eq!(after_all_with("a\u{D7FF}").as_deref(), Some("a\u{E000}"));
        assert_eq!(after_all_with("a\u{10FFFF}").as_deref(), Some("b"));
        assert_eq!(after_all_with("\u{10FFFF}"), None);
    }
}
