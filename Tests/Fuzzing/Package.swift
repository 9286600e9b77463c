// swift-tools-version:5.3
import PackageDescription

// A package of its own, and of this version: a newer one renames `main` in a way that libFuzzer's own `main` does not
// survive. Scripts/fuzz builds it with the sanitizers.
let package = Package(
  name: "fuzzing",
  dependencies: [.package(name: "dmaledger", path: "../..")],
  targets: [
    .target(name: "CFuzzing"),
    .target(
      name: "fuzz",
      dependencies: [
        "CFuzzing", .product(name: "DMALedger", package: "dmaledger"),
        .product(name: "LedgerReports", package: "dmaledger"),
      ]),
  ]
)
