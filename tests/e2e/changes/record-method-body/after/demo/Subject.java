package demo;

public record Subject(int x) {
    static String run() {
        return "new";
    }
}
