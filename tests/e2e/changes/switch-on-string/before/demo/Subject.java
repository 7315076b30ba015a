package demo;

public class Subject {
    static String run() {
        switch ("a") {
            case "a": return "old";
            default: return "?";
        }
    }
}
