// swift-tools-version: 6.2
import PackageDescription

// Every Swift target of this package is built with the same settings; they stand here and nowhere else.
let swiftSettings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  // Line cursors store a `Span`; the language promises source stability for exactly the forms used here.
  .enableExperimentalFeature("Lifetimes"),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
]

let package = Package(
  name: "dmaledger",
  products: [
    .library(name: "DMALedger", targets: ["DMALedger"]),
    .library(name: "LedgerReports", targets: ["LedgerReports"]),
    .executable(name: "dmaledger", targets: ["dmaledger"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
  ],
  targets: [
    .systemLibrary(
      name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"]), .brew(["zstd"])]),
    .target(name: "CByteScan"),
    .target(name: "CContentHash"),
    .target(name: "CFileFaults"),
    .target(name: "CProcessors"),
    .target(
      name: "DMALedger", dependencies: ["CZstd", "CByteScan", "CContentHash", "CFileFaults"],
      swiftSettings: swiftSettings),
    .target(
      name: "LedgerReports", dependencies: ["DMALedger"], exclude: ["Schema"],
      resources: [.embedInCode("HTML/Page")], swiftSettings: swiftSettings),
    .executableTarget(
      name: "dmaledger",
      dependencies: [
        "CProcessors", "DMALedger", "LedgerReports", "CZstd",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: swiftSettings),
    .target(
      name: "TestSupport", dependencies: ["DMALedger", "CZstd"], path: "Tests/TestSupport",
      swiftSettings: swiftSettings),
    .testTarget(
      name: "DMALedgerTests", dependencies: ["CByteScan", "DMALedger", "TestSupport"],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "LedgerReportsTests", dependencies: ["DMALedger", "LedgerReports", "TestSupport"],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "CommandTests", dependencies: ["dmaledger", "DMALedger", "LedgerReports", "TestSupport"],
      swiftSettings: swiftSettings),
  ],
  swiftLanguageModes: [.v6]
)
