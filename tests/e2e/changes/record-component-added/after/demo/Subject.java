package demo;

public record Subject(int x, int y) {
    static String run() {
        return "new";
    }
}
