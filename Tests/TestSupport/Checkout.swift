public import Foundation

/// Where the tests find the checkout and what was built from it.
public enum Checkout {
  /// The root of the repository.
  public static let root: URL = {
    var url = URL(fileURLWithPath: #filePath)
    for _ in 0..<3 { url.deleteLastPathComponent() }
    return url
  }()

  /// The command, built beside the test runner.
  public static let command: URL =
    URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
    .deletingLastPathComponent().appendingPathComponent("dmaledger")

  /// The bytes of a file of the repository.
  public static func bytes(_ path: String) throws -> [UInt8] {
    Array(try Data(contentsOf: root.appendingPathComponent(path)))
  }
}
