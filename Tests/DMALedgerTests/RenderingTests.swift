import DMALedger
import TestSupport
import Testing

@Suite("One history in every dialect")
struct RenderingTests {
  @Test("a balanced history reads the same in every dialect", arguments: Rendering.allCases)
  func balanced(rendering: Rendering) {
    check(OwnershipHistory.balanced, rendering)
  }

  @Test("a leaking history reads the same in every dialect", arguments: Rendering.allCases)
  func leaking(rendering: Rendering) {
    check(OwnershipHistory.leaking, rendering)
  }

  private func check(_ history: OwnershipHistory, _ rendering: Rendering) {
    let text = history.text(rendering)
    let report = report(on: text)
    #expect(report.sources[0].unparsed == [])
    #expect(report.sources[0].understoodLines >= history.steps.count - 5)
    #expect(report.unattributed.total == 0)
    #expect(report.groups.count == 1, "\(text)")
    guard let group = report.groups.first else { return }
    #expect(group.verdict == (history.isBalanced ? .balanced : .unbalanced), "\(group.reasons)\n\(text)")
    #expect(group.id == GroupID(1))
    #expect(group.initial == Count(exactly: 0))
    #expect(group.final == Count(exactly: history.finalCount))
    #expect(group.changes.count == history.expectedChanges)
    #expect(group.devices.map(\.name) == [OwnershipHistory.device])
    checkCalls(group.changes, history, rendering)
    #expect(report.kernel.testDriverRemove == (history.isBalanced ? .inactive : .unfixed))
    #expect(report.kernel.windows == 1)
  }

  private func checkCalls(_ changes: [Change], _ history: OwnershipHistory, _ rendering: Rendering) {
    let calls: [OwnershipCallKind] =
      history.isBalanced
      ? [.use, .unuse, .query, .claim, .release] : [.use, .use, .unuse, .query, .claim]
    #expect(changes.map(\.call) == calls)
    let results: [Int?] = history.isBalanced ? [0, nil, 0, 0, nil] : [0, 0, nil, 1, -1]
    #expect(changes.map(\.result) == results)
    let returns = history.steps.filter { step in
      if case .exit = step.kind { step.symbol.hasPrefix("iommu_") } else { false }
    }
    #expect(changes.map { $0.time?.value } == returns.map { rendering.time($0.time) })
    #expect(changes.map(\.pid) == returns.map { rendering.keepsTask ? $0.task.pid : nil })
    #expect(changes.map(\.cpu) == returns.map { rendering.keepsTask ? $0.cpu : nil })
    if rendering.keepsComm {
      #expect(changes.map(\.comm) == returns.map { $0.task.comm })
    }
    for change in changes where change.call == .use || change.call == .unuse {
      #expect(change.device == OwnershipHistory.device)
      if rendering != .onlyReturns { #expect(change.driver == OwnershipHistory.driver) }
    }
  }
}
