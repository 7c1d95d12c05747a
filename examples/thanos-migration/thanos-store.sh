#!/bin/sh
exec thanos store \
  --data-dir=/var/thanos/store \
  --objstore.config-file=objstore.yml \
  --selector.relabel-config-file=relabel.yml \
  --min-time=2026-10-01T02:30:00Z \
  --consistency-delay=30m \
  --ignore-deletion-marks-delay=24h \
  --sync-block-duration=5m \
  --block-sync-concurrency=20 \
  --index-cache-size=500MB \
  --store.limits.request-series=200000 \
  --store.enable-index-header-lazy-reader \
  --http-address=0.0.0.0:10902 \
  --grpc-address=0.0.0.0:10901 \
  --log.format=json
