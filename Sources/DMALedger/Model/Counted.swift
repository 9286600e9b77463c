/// A number with its noun, as a sentence has it: `1 line`, `3 lines`, `2 more captures`, `1 pass`, `0 passes`.
///
/// - Parameter many: The plural, where it is not the noun with an `s`.
package func counted(_ number: Int, _ noun: String, _ many: String? = nil) -> String {
  "\(number) \(number == 1 ? noun : many ?? noun + "s")"
}
