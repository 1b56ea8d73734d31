"""The independent client: reads with boto3 and the standard library what `publish` left behind.

Nothing here is shared with the program under test. What the stored format means is read from its specification alone
(docs/bucket-layout.md): head and claims are JSON, manifests are JSON in gzip.

    client.py ENDPOINT prepare BUCKET            a bucket and a distribution in front of its prefix `live/`
    client.py ENDPOINT inspect BUCKET DISTRIBUTION STATE LIVE
                                                 all objects, what the manifests say about them, all invalidations
    client.py ENDPOINT put BUCKET KEY TEXT       an object that somebody else stores
    client.py ENDPOINT browse DOMAIN PATH…       what visitors get from the distribution
    client.py ENDPOINT policy JSON               the response headers policy that CloudFront makes of a configuration

Every command prints one JSON value.
"""

import base64
import gzip
import hashlib
import http.client
import json
import sys
import urllib.parse

import boto3
from botocore.config import Config

HEADERS = {
    "cache_control": "CacheControl",
    "content_type": "ContentType",
    "content_encoding": "ContentEncoding",
    "content_disposition": "ContentDisposition",
    "content_language": "ContentLanguage",
}


def client(endpoint, service):
    config = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1})
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=config,
    )


def prepare(endpoint, bucket):
    s3, cloudfront = client(endpoint, "s3"), client(endpoint, "cloudfront")
    s3.create_bucket(Bucket=bucket)
    control = cloudfront.create_origin_access_control(
        OriginAccessControlConfig={
            "Name": bucket,
            "OriginAccessControlOriginType": "s3",
            "SigningBehavior": "always",
            "SigningProtocol": "sigv4",
        }
    )["OriginAccessControl"]
    origin = {
        "Id": "site",
        "DomainName": f"{bucket}.s3.us-east-1.amazonaws.com",
        "OriginPath": "/live",
        "OriginAccessControlId": control["Id"],
        "S3OriginConfig": {"OriginAccessIdentity": ""},
    }
    not_found = {"ErrorCode": 403, "ResponsePagePath": "/404.html", "ResponseCode": "404", "ErrorCachingMinTTL": 0}
    distribution = cloudfront.create_distribution(
        DistributionConfig={
            "CallerReference": bucket,
            "Comment": "",
            "Enabled": True,
            "DefaultRootObject": "index.html",
            "Origins": {"Quantity": 1, "Items": [origin]},
            "DefaultCacheBehavior": {
                "TargetOriginId": "site",
                "ViewerProtocolPolicy": "allow-all",
                # AWS's own policy "CachingOptimized".
                "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6",
            },
            "CustomErrorResponses": {"Quantity": 1, "Items": [not_found]},
        }
    )["Distribution"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/live/*",
        "Condition": {"StringEquals": {"AWS:SourceArn": distribution["ARN"]}},
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    return {"distribution": distribution["Id"], "domain": distribution["DomainName"]}


def inspect(endpoint, bucket, distribution, state, live):
    s3, cloudfront = client(endpoint, "s3"), client(endpoint, "cloudfront")
    objects = read_objects(s3, bucket)
    releases = read_releases(s3, bucket, state, objects)
    head = read_json(s3, bucket, f"{state}head.json") if f"{state}head.json" in objects else None
    found = {"objects": objects, "releases": releases, "head": head, "differences": []}
    if head and "active" in head:
        active = releases[str(head["active"]["release"])]
        found["differences"] += list(differences(active, objects, live))
    for manifest in releases.values():
        found["differences"] += list(missing(manifest, objects, state, live))
    found["invalidations"] = read_invalidations(cloudfront, distribution)
    return found


def read_objects(s3, bucket):
    """Every object: its bytes' number and hash, what S3 says its hash is, and what it is served with."""
    objects = {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for key in (listed["Key"] for listed in page.get("Contents", [])):
            head = s3.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
            body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            stated = head.get("ChecksumSHA256")
            objects[key] = {
                "size_bytes": len(body),
                "stated_size_bytes": head["ContentLength"],
                "sha256": hashlib.sha256(body).hexdigest(),
                "stated_sha256": base64.b64decode(stated).hex() if stated else None,
                "headers": {name: head[field] for name, field in HEADERS.items() if head.get(field)},
                "metadata": head["Metadata"],
            }
    return objects


def read_releases(s3, bucket, state, objects):
    """The manifests of all complete releases, by their numbers, each with its entries' headers filled in."""
    releases = {}
    for key in objects:
        if key.startswith(f"{state}releases/") and key.endswith("/manifest.json.gz"):
            manifest = json.loads(gzip.decompress(s3.get_object(Bucket=bucket, Key=key)["Body"].read()))
            for entry in manifest["files"]:
                entry["headers"] = manifest["headers"][entry["headers"]]
            releases[str(manifest["release"])] = manifest
    return releases


def read_json(s3, bucket, key):
    return json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())


def differences(manifest, objects, live):
    """Where the live objects are not what the active manifest says."""
    for entry in manifest["files"]:
        found = objects.get(live + entry["path"])
        if found is None:
            yield f"{entry['path']} is not live"
            continue
        wanted = dict(entry["headers"])
        metadata = wanted.pop("metadata", {}) | {"publish-site": manifest["identity"]["site"]}
        for what, expected, actual in [
            ("size", entry["size_bytes"], found["size_bytes"]),
            ("stated size", entry["size_bytes"], found["stated_size_bytes"]),
            ("SHA-256", entry["sha256"], found["sha256"]),
            ("stated SHA-256", entry["sha256"], found["stated_sha256"]),
            ("headers", wanted, found["headers"]),
            ("metadata", metadata, found["metadata"]),
        ]:
            if expected != actual:
                yield f"{entry['path']}: {what} should be {expected!r} and is {actual!r}"


def missing(manifest, objects, state, live):
    """Bytes that a release names and that are nowhere: such a release could not be brought back."""
    for entry in manifest["files"]:
        places = [live + entry["path"], f"{state}blobs/{entry['sha256']}"]
        if not any(objects[key]["sha256"] == entry["sha256"] for key in places if key in objects):
            yield f"release {manifest['release']}: the bytes of {entry['path']} are gone"


def read_invalidations(cloudfront, distribution):
    """All invalidations of a distribution, oldest first."""
    listed = cloudfront.list_invalidations(DistributionId=distribution)["InvalidationList"].get("Items", [])
    found = []
    for summary in sorted(listed, key=lambda item: item["CreateTime"]):
        full = cloudfront.get_invalidation(DistributionId=distribution, Id=summary["Id"])["Invalidation"]
        batch = full["InvalidationBatch"]
        found.append(
            {
                "id": full["Id"],
                "status": full["Status"],
                "caller_reference": batch["CallerReference"],
                "paths": batch["Paths"]["Items"],
            }
        )
    return found


def put(endpoint, bucket, key, text):
    client(endpoint, "s3").put_object(Bucket=bucket, Key=key, Body=text.encode(), ContentType="text/plain")
    return None


def browse(endpoint, domain, *paths):
    """What visitors get, by path: status, hash and the two headers that matter to them."""
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(endpoint).netloc)
    pages = {}
    for path in paths:
        connection.request("GET", urllib.parse.quote(path), headers={"Host": domain})
        answer = connection.getresponse()
        pages[path] = {
            "status": answer.status,
            "sha256": hashlib.sha256(answer.read()).hexdigest(),
            "content_type": answer.headers["Content-Type"],
            "cache_control": answer.headers["Cache-Control"],
        }
    return pages


def policy(endpoint, config):
    """The same call, with the same checks of its argument, as `aws cloudfront create-response-headers-policy`."""
    cloudfront = client(endpoint, "cloudfront")
    made = cloudfront.create_response_headers_policy(ResponseHeadersPolicyConfig=json.loads(config))
    identifier = made["ResponseHeadersPolicy"]["Id"]
    return cloudfront.get_response_headers_policy_config(Id=identifier)["ResponseHeadersPolicyConfig"]


if __name__ == "__main__":
    commands = {"prepare": prepare, "inspect": inspect, "put": put, "browse": browse, "policy": policy}
    _, endpoint, command, *arguments = sys.argv
    json.dump(commands[command](endpoint, *arguments), sys.stdout)
