//# sourceMappingURL=/chunks/chunk-NJKUSMU4.js.map
